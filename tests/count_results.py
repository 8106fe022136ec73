#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up Meson's JSON logs and pytest's JUnit files of one folder, names what failed or was skipped.

The last line is "N passed, N failed, N skipped"; the exit status is 1 when anything failed or nothing ran.
"""
import argparse
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def meson_results(path):
    """Yields (test name, "passed" | "failed" | "skipped") of one Meson log: a JSON object a line."""
    for line in path.read_text().splitlines():
        test = json.loads(line)
        outcome = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(test["result"], "failed")
        yield test["name"], outcome


def junit_results(path):
    """Yields (test name, outcome) of one JUnit file."""
    for case in ElementTree.parse(path).iter("testcase"):
        outcome = "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = "failed"
        elif case.find("skipped") is not None:
            outcome = "skipped"
        yield f"{case.get('classname')}.{case.get('name')}", outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--failed-steps", type=int, default=0,
                        help="steps outside the logs (set-up, build, fuzz) that failed")
    arguments = parser.parse_args()

    total = {"passed": 0, "failed": 0, "skipped": 0}
    failing_suites = 0
    for path in sorted(arguments.folder.iterdir()):
        if path.suffix not in (".json", ".xml"):
            continue
        read = meson_results if path.suffix == ".json" else junit_results
        count = {"passed": 0, "failed": 0, "skipped": 0}
        for name, outcome in read(path):
            count[outcome] += 1
            if outcome != "passed":
                print(f"{path.stem}: {outcome}: {name}")
        print(f"{path.stem}: " + ", ".join(f"{number} {outcome}" for outcome, number in count.items()))
        failing_suites += count["failed"] > 0
        for outcome, number in count.items():
            total[outcome] += number
    # A step that failed because its tests failed is counted by its tests already.
    total["failed"] += max(0, arguments.failed_steps - failing_suites)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**total))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
