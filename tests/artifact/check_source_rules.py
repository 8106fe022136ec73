#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the tree that a search can check. Usage: check_source_rules.py ROOT

Exit status 1 names every breach as file:line; 77 (skipped) when ROOT is no git checkout or git is missing.
"""
import pathlib
import re
import shutil
import subprocess
import sys

CODE = {".h", ".c", ".cpp", ".S", ".inc", ".py", ".sh"}
# Kernels, their flags, and what asks the CPU.
INSTRUCTION_SETS = re.compile(
    r"(?<![a-z])(avx|neon|sse[0-9]|ssse3|sha_?ni|armv[0-9]|pclmul|vnni|dotprod|i8mm|_mm[0-9]*_|vld[0-9]|vst[0-9]|"
    r"\w*intrin\.h|cpuid|hwcap|getauxval|__builtin_cpu|__(x86_64|aarch64|arm)|-m(arch|sse|sha|fma|f16c|cpu)\b)", re.IGNORECASE)
# What a user reads and writes: names of levels, as an example.
NAMES_LEVELS = ("engine/include/", "engine/cli/manual/", "engine/THIRD_PARTY_LICENSES.txt", "engine/README.md")
OTHER_ROOMS = {  # a room's code may include these rooms only
    "ops": {"ops"},
    "preprocess": {"preprocess"},
    "engine/cli": {"engine/cli"},
}
INCLUDE = re.compile(r'#include "((?:ops|preprocess|engine|tests|bench)/[^"]*)"')


LINK = re.compile(r"\]\(([^)#\s]+)")


def dead_links(root: pathlib.Path, path: pathlib.PurePosixPath, text: str):
    """Yields (line number, rule) for each link of a page to a file that is not there."""
    for number, line in enumerate(text.splitlines(), 1):
        for target in LINK.findall(line):
            if ":" not in target and not (root / path.parent / target).exists():
                yield number, f"a link to {target}, which is not there"


def breaches(path: pathlib.PurePosixPath, text: str):
    """Yields (line number, rule) for one tracked file."""
    lines = text.splitlines()
    if path.suffix in CODE and not any("SPDX-License-Identifier" in line for line in lines[:3]):
        yield 1, "no SPDX line in the first three"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end"
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield number, "tab"
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if path.suffix in {".h", ".c", ".cpp", ".S", ".inc"} and len(line) > 140:
            yield number, "line longer than 140 characters"
    name = path.as_posix()
    names_none = name.startswith("engine/") and not name.startswith(NAMES_LEVELS)
    if names_none and INSTRUCTION_SETS.search(path.name):
        yield 1, "a file under engine/ is named after an instruction set"
    for number, line in enumerate(lines, 1):
        if names_none and INSTRUCTION_SETS.search(line):
            yield number, "an instruction set is named under engine/"
        include = INCLUDE.search(line)
        if include:
            for room, allowed in OTHER_ROOMS.items():
                if name.startswith(room + "/") and not any(
                        include[1].startswith(other + "/") for other in allowed):
                    yield number, f"{room}/ may not include {include[1]}"


# What the rules must find.
WRONG = (
    ("engine/cli/sha256_blocks_sha_ni.cpp", "// SPDX-License-Identifier: Apache-2.0\n"),
    ("engine/cli/sha256_blocks_armv8_sha2.cpp", "// SPDX-License-Identifier: Apache-2.0\n"),
    ("engine/cli/x.cpp", "// SPDX-License-Identifier: Apache-2.0\n#include <immintrin.h>\n"),
    ("engine/cli/x.cpp", "// SPDX-License-Identifier: Apache-2.0\nbool has = (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;\n"),
    ("engine/cli/meson.build", "flags = ['-msha', '-msse4.1']\n"),
    ("engine/meson.build", "flags = ['-march=armv8-a+crypto']\n"),
    ("engine/run/x.cpp", "// SPDX-License-Identifier: Apache-2.0\nuint32x4_t a = vld1q_u32(b);\n"),
    ("engine/run/x.cpp", "// SPDX-License-Identifier: Apache-2.0\n#if defined(__x86_64__)\n"),
    ("engine/cli/x.cpp", "// SPDX-License-Identifier: Apache-2.0\n#include \"ops/sha256/sha256.h\"\n"),
    ("preprocess/x.cpp", "// SPDX-License-Identifier: Apache-2.0\n#include \"ops/crc32/crc32.h\"\n"),
    ("ops/x.cpp", "int tab;\t\n"),
)


def main() -> int:
    for name, text in WRONG:
        if not list(breaches(pathlib.PurePosixPath(name), text)):
            print(f"the rules let this pass: {name}: {text!r}")
            return 1
    root = pathlib.Path(sys.argv[1])
    if shutil.which("git") is None:
        print("git is not installed")
        return 77
    listing = subprocess.run(["git", "-C", str(root), "ls-files"], capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        print("not a git checkout")
        return 77
    checked = failed = 0
    for name in listing.stdout.splitlines():
        path = pathlib.PurePosixPath(name)
        if path.suffix not in CODE | {".md", ".build", ".ini", ".toml", ".txt"} or not (root / path).is_file():
            continue
        checked += 1
        text = (root / path).read_text(encoding="utf-8")
        found = list(breaches(path, text)) + (list(dead_links(root, path, text)) if path.suffix == ".md" else [])
        for number, rule in found:
            print(f"{name}:{number}: {rule}")
            failed += 1
    print(f"{checked} files checked, {failed} breaches")
    return 1 if failed or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
