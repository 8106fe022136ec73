# SPDX-License-Identifier: Apache-2.0
"""Writes, for every function of assembly in some archives, a stub through which the linker is to send its calls (GNU ld's --wrap).

usage: make_assembly_wraps.py READELF STUBS RESPONSE_FILE ARCHIVE...

STUBS is assembly for AArch64: each stub goes to checked_assembly_call. RESPONSE_FILE holds the linker's arguments.
"""
import re
import subprocess
import sys

STUB = """
    .section .rodata
.L{name}:
    .asciz "{name}"
    .text
    .global __wrap_{name}
    .hidden __wrap_{name}
    .type __wrap_{name}, %function
__wrap_{name}:
    hint #34  // bti c
    adrp x16, __real_{name}
    add x16, x16, #:lo12:__real_{name}
    adrp x17, .L{name}
    add x17, x17, #:lo12:.L{name}
    b checked_assembly_call
    .size __wrap_{name}, . - __wrap_{name}
"""


def functions(readelf, archive):
    """The global functions of the archive's members that were assembled."""
    listing = subprocess.run([readelf, "--syms", "--wide", archive], check=True, capture_output=True, text=True).stdout
    member = ""
    for line in listing.splitlines():
        opened = re.match(r"^File: .*[\[(](.*)[\])]$", line)
        if opened:
            member = opened[1]
        symbol = re.match(r"^ *\d+: [0-9a-f]+ +\S+ FUNC +GLOBAL +\S+ +(?!UND)\S+ (\S+)$", line)
        if symbol and member.endswith(".S.o"):
            yield symbol[1]


def main():
    readelf, stubs, response_file, *archives = sys.argv[1:]
    names = sorted({name for archive in archives for name in functions(readelf, archive)})
    if not names:
        raise SystemExit("make_assembly_wraps.py: no function of assembly in " + " ".join(archives))
    with open(stubs, "w") as file:
        file.write("// What make_assembly_wraps.py found.\n" + "".join(STUB.format(name=name) for name in names) +
                   '\n    .section .note.GNU-stack, "", %progbits\n')
    with open(response_file, "w") as file:
        file.write("".join(f"--wrap={name}\n" for name in names))


if __name__ == "__main__":
    main()
