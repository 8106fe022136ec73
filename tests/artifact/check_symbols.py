# SPDX-License-Identifier: Apache-2.0
"""The archive shows exactly the header's calls, and needs nothing but libc, libm, threads and the compiler's run-time.

With --without SECTION the calls of that section of the header are not to be in it.

usage: check_symbols.py [--without SECTION]... NM HEADER ARCHIVE COMPILER...
"""

import os
import re
import subprocess
import sys


# What Android's C library has since a level above 24 only, of what such code may well call.
NEW_IN_ANDROID = {"aligned_alloc", "timespec_get", "getentropy", "getrandom", "reallocarray", "glob", "pthread_getaffinity_np",
                  "pthread_setaffinity_np", "memfd_create", "statx", "fexecve", "getsubopt", "nl_langinfo"}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(nm, *arguments):
    """Names, without the version that a shared library gives them."""
    return {line.split("@")[0].strip() for line in output(nm, "--format=just-symbols", *arguments).splitlines() if line and not line.endswith(":")}


def main():
    arguments, left_out = sys.argv[1:], set()
    while arguments[0] == "--without":
        left_out.add(arguments[1])
        arguments = arguments[2:]
    nm, header, archive, *compiler = arguments
    with open(header, encoding="utf-8") as file:
        text = file.read()
    for section in left_out:
        text, count = re.subn(rf"/\* ---- {section} -+ \*/.*?(?=/\* ---- )", "", text, flags=re.S)
        assert count == 1, f"the header has no section {section}"
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    declared = set(re.findall(r"FOVEA_API[^;]*?\b(fovea_\w+)\s*\(", text))
    assert len(declared) > 30, "the header was not understood"

    defined = symbols(nm, "--defined-only", "--extern-only", archive)
    problems = [f"{name} is visible and not in the header" for name in sorted(defined - declared)]
    problems += [f"{name} is in the header and not in the archive" for name in sorted(declared - defined)]

    # What the kernels of halves are to give, which nothing calls.
    everything = output(nm, "--format=just-symbols", archive)
    problems += [f"{name} is in the archive, and no call can reach it"
                 for name in sorted(set(re.findall(r"\b\w*?(?<!widen)(?<!narrow)_fp16_scalar\w*|\b\w*_fp16_to_fp32_scalar\w*", everything)))]
    if "Explanations" in left_out:
        problems += [f"{name} is in the archive, and no call can reach it" for name in sorted(set(re.findall(r"\b_ZN5fovea\w*gradient\w*", everything)))]

    allowed = set()
    for library in ("libc.so.6", "libm.so.6", "libgcc_s.so.1", "libgcc.a", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"):
        path = output(*compiler, f"-print-file-name={library}").strip()
        if not os.path.isabs(path):
            continue  # not part of this toolchain
        dynamic = [] if library.endswith(".a") else ["--dynamic"]
        allowed |= symbols(nm, "--defined-only", *dynamic, path)
    assert "malloc" in allowed and "_Znwm" not in allowed, "the compiler's libraries were not found"
    needed = symbols(nm, "--undefined-only", archive) - {"_GLOBAL_OFFSET_TABLE_"}
    problems += [f"{name} is needed, and Android 7 has it not" for name in sorted(needed & NEW_IN_ANDROID)]
    problems += [f"{name} is needed and in none of the allowed libraries" for name in sorted(needed - allowed)]

    print(f"{len(defined)} symbols visible, {len(needed)} needed")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
