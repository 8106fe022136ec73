# SPDX-License-Identifier: Apache-2.0
"""Makes the archive that users link: one object, of which only the public calls can be seen.

A static archive of C++ objects shows all its inner names to whatever links it, hidden or not, and its
copies of inline functions may be taken for the user's own: those of files built for one instruction set, for example.
So the objects are linked into one and every name but fovea_* is made local. What no call of that name can reach is left out.

usage: make_archive.py LD OBJCOPY AR NM OUTPUT INPUT.a...
"""

import os
import shutil
import subprocess
import sys
import tempfile


def main():
    ld, objcopy, ar, nm, output, *inputs = sys.argv[1:]
    linker_help = subprocess.run([ld, "--help"], capture_output=True, text=True).stdout
    listing = subprocess.run([nm, "-P", "-g", "--defined-only", *inputs], check=True, capture_output=True, text=True).stdout
    calls = sorted({line.split()[0] for line in listing.splitlines() if line.startswith("fovea_")})
    if not calls:
        sys.exit(f"no call fovea_* in {inputs}")
    roots = [argument for call in calls for argument in ("-u", call)]
    link = [ld, "-r", "--gc-sections", *roots, "--whole-archive", *inputs, "--no-whole-archive", "-o"]
    localize = [objcopy, "--wildcard", "--keep-global-symbol=fovea_*"]
    # Inline functions lie in groups, of which a linker keeps one a program, by name. A group whose
    # names are local must not be left to that: it would be thrown away for the user's.
    if "--force-group-allocation" in linker_help:
        link.insert(2, "--force-group-allocation")
    else:
        localize.append("--remove-section=.group")  # llvm-objcopy: the members stay
    # Sections of equal names stay apart, such as those of a function's messages and constants: joined, a program that reaches one has all of them.
    if "--unique" in linker_help:
        link.insert(2, "--unique")
    for archive in inputs:
        with open(archive, "rb") as file:
            if b".gnu.lto_" in file.read():
                sys.exit(f"{archive} holds bytecode of one compiler's version: build it with -fno-lto")
    with tempfile.TemporaryDirectory() as folder:
        merged = os.path.join(folder, "fovea.o")
        archive = os.path.join(folder, "libfovea.a")
        subprocess.run([*link, merged], check=True)
        subprocess.run([*localize, merged], check=True)
        # Without dates and owners, so that equal builds give equal bytes.
        subprocess.run([ar, "rcsD", archive, merged], check=True)
        shutil.copyfile(archive, output)


if __name__ == "__main__":
    sys.exit(main())
