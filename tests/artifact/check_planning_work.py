# SPDX-License-Identifier: Apache-2.0
"""Checks that planning a network of four times as many nodes takes about four times as many instructions.

usage: check_planning_work.py PLANNING_WORK

Counts what fovea_session_workspace_size does, with valgrind; without it the check is skipped (exit status 77).
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

KINDS = ["blocks", "tapped_blocks", "dense_connections", "joined_blocks", "long_shortcuts"]
NODES = 1000
TIMES = 4
# A quadratic planner has 16 here. Searching and sorting add some, and small networks are laid out with more care.
LIMIT = 1.5 * TIMES


def instructions(program, kind, nodes):
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "callgrind.out")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}",
             "--toggle-collect=fovea_session_workspace_size", program, kind, str(nodes)],
            capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{kind}, {nodes} nodes: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if counted is None or int(counted.group(1)) == 0:
        raise SystemExit(f"{kind}, {nodes} nodes: nothing was counted\n{done.stderr}")
    return int(counted.group(1))


def main():
    if shutil.which("valgrind") is None:
        print("no valgrind")
        return 77
    failed = False
    for kind in KINDS:
        few, many = (instructions(sys.argv[1], kind, n) for n in (NODES, TIMES * NODES))
        good = many <= LIMIT * few
        failed = failed or not good
        print(f"{kind}: {few / 1e6:.1f} million instructions for {NODES} nodes, {many / few:.2f} times as many "
              f"for {TIMES * NODES}{'' if good else f', over {LIMIT}'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
