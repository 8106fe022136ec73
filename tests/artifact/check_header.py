#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the public header's promises: every call says what may run at once with it, and every struct given by pointer begins with its size.

usage: check_header.py HEADER
"""
import re
import sys

RULES = re.compile(r"Threads: (any|model|session)\b")


def problems(text):
    found = []
    body = text[text.index("#include"):]
    structs = {name: fields for fields, name in re.findall(r"typedef struct \w+ \{(.*?)\n\} (\w+);", body, flags=re.S)}
    calls = re.findall(r"(/\*(?:(?!\*/).)*\*/\n)?FOVEA_API ([^;]*?)\b(fovea_\w+)\(([^;]*)\);", body, flags=re.S)
    for comment, _, name, parameters in calls:
        if not RULES.search(comment):
            found.append(f"{name}: its comment does not say what may run at once (Threads: any, model or session)")
        parameters = re.sub(r"\(\*\w+\)\([^)]*\)", "", parameters)
        for struct in re.findall(r"\b(fovea_\w+)\*(?!\*)", parameters):
            if struct in structs and not re.match(r"\s*size_t size;", structs[struct]):
                found.append(f"{struct}, which {name} takes, does not begin with its size")
    for name, fields in structs.items():
        # The one that is checked to be zero, see engine/api/structs.h.
        unchecked = [field for field in re.findall(r"\b(\w*reserved\w*)(?:\[\d+\])?;", fields) if field != "reserved"]
        if unchecked:
            found.append(f"{name} has {', '.join(unchecked)}: the library checks `reserved` alone")
    if len(calls) < 30 or len(structs) < 12:
        found.append(f"only {len(calls)} calls and {len(structs)} structs found: the header was not understood")
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    found = problems(text)
    # The check itself, on what it must find.
    broken = text.replace("typedef struct fovea_tensor {\n    size_t size;\n", "typedef struct fovea_tensor {\n").replace(
        "Threads: session; the last call.", "").replace("reserved;\n} fovea_tensor;", "reserved_2;\n} fovea_tensor;")
    wanted = ("fovea_tensor, which fovea_session_tap takes", "fovea_session_close: its comment", "fovea_tensor has reserved_2")
    missed = {beginning for beginning in wanted if not any(problem.startswith(beginning) for problem in problems(broken))}
    if missed:
        found.append(f"the check does not find what it looks for: {sorted(missed)}")
    print("\n".join(found) or "every call says its thread rule, every struct its size")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
