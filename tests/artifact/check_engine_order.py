#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that the folders of engine/ need each other in one direction, and no file needs itself by way of others; and that few of
its files know what few need to know: one operation, elements that are halves, all of running a plan.

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


# What a file has to say to know an operation that shares no work with others, or that elements may be halves. An operation has its
# place in the list of kinds, a rule for shapes and one for files, and its own file; beside these the file of its backward pass.
KNOWLEDGE = {
    **{name: (rf"(?i)\b{pattern}\b", 4) for name, pattern in (
        ("channel reductions", r"(channel_reduce|kChannelReduce)"), ("LRN", r"(lrn|kLrn)"), ("pads", r"(kPad|pad_operation)"))},
    "halves": (r"\b([Hh]alves|Half|kHalf|k?F16|f16|fp16|\w+Fp16\w*)\b", 8),
}
EXECUTOR = "engine/run/executor.cpp"


def knowing(texts, pattern):
    return [name for name, text in texts.items() if re.search(pattern, text) and not name.startswith("engine/steps/gradient/")]


def too_many(texts):
    errors = []
    for what, (pattern, most) in KNOWLEDGE.items():
        files = knowing(texts, pattern)
        if not 1 <= len(files) <= most:
            errors.append(f"{len(files)} files know of {what}, {most} are to: {' '.join(files)}")
    if re.search("NodeKind|_operation", texts[EXECUTOR]):
        errors.append(f"{EXECUTOR} names operations")
    return errors


def main():
    root = pathlib.Path(sys.argv[1])
    graph = includes(root)
    if len(graph) < 40:
        sys.exit(f"only {len(graph)} files found under engine/: this would check nothing")
    errors = [f"{file} includes {other}, of a floor above its own" for file, other in upward(graph)]
    errors += [f"{file} includes itself by way of others" for file in circles(graph)]
    texts = {file: (root / file).read_text() for file in graph}
    known = too_many(texts)
    errors += known
    # The checks themselves, on what they must find.
    broken = {"engine/steps/a.cpp": ["engine/plan/b.h"], "engine/plan/b.h": ["engine/plan/c.h"], "engine/plan/c.h": ["engine/plan/b.h"]}
    worse = {**texts, **{f"engine/plan/{i}.cpp": "kLrn = Half" for i in range(9)}, EXECUTOR: "NodeKind"}
    if len(set(too_many(worse)) - set(known)) != 3:
        errors.append("the check counts nothing")
    if len(upward(broken)) != 1 or len(circles(broken)) != 2:
        errors.append("the check does not find what it looks for")
    print("\n".join(errors) or f"{len(graph)} files, every arrow points down")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
