# SPDX-License-Identifier: Apache-2.0
"""Checks that every kernel table is compared by a test, and that ops/README.md's matrix is what the tables say.

usage: check_kernel_tables.py SOURCE_ROOT KERNEL_TEST...

What the tests compare and what is registered is asked of the tests (--tables, --registered), through FOVEA_WRAPPER if that names
an emulator. The tables of every instruction set, whatever is built, are read in the sources.
"""
import collections
import os
import pathlib
import re
import shlex
import subprocess
import sys

COLUMNS = ["scalar", "avx2", "avx512", "neon", "neon_fp16"]
ROW = re.compile(r"^ *FOVEA_ROW_(\w+)\((\w+)\)$", re.MULTILINE)
TABLE = re.compile(r'^constinit const KernelTable<\w+> (\w+) =\s+make_table\("(\w+)"', re.MULTILINE)


def lines_of(program, argument):
    done = subprocess.run(shlex.split(os.environ.get("FOVEA_WRAPPER", "")) + [program, argument], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{program} {argument}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return set(done.stdout.split())


def tables_in_sources(ops):
    """{operation: {instruction set of a kernel}} of every table in ops/*/*.cpp."""
    tables = {}
    for path in sorted(ops.glob("*/*.cpp")):
        text = path.read_text()
        names = [operation for _, operation in TABLE.findall(text)]
        for operation in names:
            tables[operation] = set()
        for isa, name in ROW.findall(text):
            # The longest operation that the name begins with: affine_fp32_to_fp16_scalar is none of affine_fp32.
            owner = max((o for o in names if name.startswith(o + "_")), key=len, default=None)
            said = "scalar" if isa == "HALF_SPECIFICATION" else isa.lower()
            if owner is None or name != f"{owner}_{said}":
                raise SystemExit(f"{path}: the row of {name} belongs to no table of the file, or is no {said} kernel's")
            tables[owner].add(name[len(owner) + 1:])
    return tables


def matrix_in_readme(path):
    """{operation: {instruction set}} of the table in ops/README.md."""
    matrix = {}
    for line in path.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        operation = re.fullmatch(r"`(\w+)`", cells[0])
        if not line.startswith("| `") or operation is None or len(cells) != len(COLUMNS) + 2:
            continue
        sets = {column for column, cell in zip(COLUMNS, cells[1:]) if cell == "✓"}
        unknown = [cell for cell in cells[1:len(COLUMNS) + 1] if cell not in ("✓", "–")]
        if unknown:
            raise SystemExit(f"{path}: the row of {operation[1]} has {unknown}, not ✓ or –")
        matrix[operation[1]] = sets | set(re.findall(r"`(\w+)`", cells[-1]))
    return matrix


def complaints(source_root, tests):
    compared = collections.defaultdict(list)
    registered = set()
    for test in tests:
        registered = registered or lines_of(test, "--registered")
        for table in lines_of(test, "--tables"):
            compared[table].append(test)
    if not registered:
        yield "nothing is registered"
    ops = source_root / "ops"
    tables = tables_in_sources(ops)
    for table in sorted(registered | set(tables)):
        if table not in registered:
            yield f"table {table} is not listed in kernel_registry.cpp"
        if table not in compared:
            yield f"table {table} is compared by no test"
        if table not in tables:
            yield f"table {table} is registered, but in no ops/*/*.cpp"
    matrix = matrix_in_readme(ops / "README.md")
    for table in sorted(set(tables) | set(matrix)):
        said, is_so = sorted(matrix.get(table, ())), sorted(tables.get(table, ()))
        if said != is_so:
            yield f"table {table}: ops/README.md says {said}, the table is {is_so}"


def main():
    found = list(complaints(pathlib.Path(sys.argv[1]), sys.argv[2:]))
    for text in found:
        print(text)
    print(f"{len(sys.argv) - 2} tests, {len(found)} complaints")
    return 1 if found or len(sys.argv) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
