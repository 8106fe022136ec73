#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that the folders of engine/ need each other in one direction, and no file needs itself by way of others.

usage: check_engine_order.py SOURCE_ROOT
"""
import pathlib
import re
import sys

# From the ground up: a file may include those of its own floor and of lower ones.
FLOORS = ["ground", "model", "steps", "plan", "run", "session", "screening", "explain", "api"]
INCLUDE = re.compile(r'^#include "(engine/[^"]+)"', re.MULTILINE)


def floor_of(path):
    parts = path.split("/")
    if len(parts) > 2:
        return FLOORS.index(parts[1])
    return FLOORS.index("session" if parts[1].startswith("session.") else "ground")


def includes(root):
    """{file: the files of engine/ that it includes}, without the command line and the examples, which know only fovea.h."""
    found = {}
    for path in sorted((root / "engine").rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix in (".h", ".cpp") and name.split("/")[1] not in ("cli", "examples", "include"):
            found[name] = INCLUDE.findall(path.read_text())
    return found


def upward(graph):
    return [(file, other) for file, others in graph.items() for other in others if floor_of(other) > floor_of(file)]


def circles(graph):
    """Files that include themselves by way of others."""
    def reaches(start):
        seen, todo = set(), list(graph.get(start, ()))
        while todo:
            file = todo.pop()
            if file not in seen:
                seen.add(file)
                todo += graph.get(file, ())
        return seen
    return [file for file in graph if file in reaches(file)]


def main():
    graph = includes(pathlib.Path(sys.argv[1]))
    if len(graph) < 40:
        sys.exit(f"only {len(graph)} files found under engine/: this would check nothing")
    errors = [f"{file} includes {other}, of a floor above its own" for file, other in upward(graph)]
    errors += [f"{file} includes itself by way of others" for file in circles(graph)]
    # The checks themselves, on what they must find.
    broken = {"engine/steps/a.cpp": ["engine/plan/b.h"], "engine/plan/b.h": ["engine/plan/c.h"], "engine/plan/c.h": ["engine/plan/b.h"]}
    if len(upward(broken)) != 1 or len(circles(broken)) != 2:
        errors.append("the check does not find what it looks for")
    print("\n".join(errors) or f"{len(graph)} files, every arrow points down")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
