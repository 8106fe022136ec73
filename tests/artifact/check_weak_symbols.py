# SPDX-License-Identifier: Apache-2.0
"""Checks that objects compiled for one instruction set define nothing that baseline code could link.

An inline function or a template that such an object emits is a weak symbol: of all objects' copies
the linker keeps any one, so a baseline caller might end up in code with AVX2 instructions. Allowed are
- exactly one strong symbol, fovea::ops::<kernel> or fovea::preprocess::<table>, named as its source file is;
- of an assembly file, strong symbols whose names end with the instruction set, as the file's does;
- weak symbols whose names say the instruction set (templates over an xsimd architecture);
- what lies in a nameless namespace.

usage: check_weak_symbols.py NM ARCHIVE...
"""

import re
import subprocess
import sys

TAGS = ("(anonymous namespace)", "xsimd::fma3<xsimd::avx2>", "xsimd::avx2", "xsimd::avx", "xsimd::neon")
LINE = re.compile(r"^.*?([^:/]+\.o):\s*[0-9a-fA-F]*\s+(\S)\s+(.+)$")


def complaints(nm, archive):
    listing = subprocess.run([nm, "-A", "-C", "--defined-only", archive], check=True,
                             capture_output=True, text=True).stdout
    strong = {}
    for line in listing.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        member, kind, symbol = match.groups()
        strong.setdefault(member, [])
        if kind in "WwVvu" and not any(tag in symbol for tag in TAGS):
            yield f"{member}: weak symbol that baseline code could link: {symbol}"
        if kind in "TDBRGSC":
            strong[member].append(symbol)
    if not strong:
        yield "no symbols found: nothing was checked"
    for member, symbols in strong.items():
        assembly = re.search(r"_(neon_\w+)\.S\.o$", member)
        if assembly:
            for symbol in symbols:
                if not symbol.endswith("_" + assembly[1]):
                    yield f"{member}: symbol whose name does not end with {assembly[1]}: {symbol}"
            continue
        names = [re.sub(r"^fovea::(?:ops|preprocess)::(\w+)\(.*$", r"\1", symbol) for symbol in symbols]
        if len(names) != 1 or not re.search(rf"(^|_|/){re.escape(names[0])}\.cpp\.o$", member):
            yield f"{member}: expected one function with the name of the file, found {symbols}"


def main():
    nm, *archives = sys.argv[1:]
    found = [f"{archive}: {text}" for archive in archives for text in complaints(nm, archive)]
    for text in found:
        print(text)
    print(f"{len(archives)} archives, {len(found)} complaints")
    return 1 if found or not archives else 0


if __name__ == "__main__":
    sys.exit(main())
