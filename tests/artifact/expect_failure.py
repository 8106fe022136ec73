# SPDX-License-Identifier: Apache-2.0
"""Runs a check on something wrong, and demands that it says so: exit status 1 and the text, on one line of its output.

usage: expect_failure.py TEXT COMMAND...

Meson's should_fail takes any failure for the one that is meant, a missing program among them.
"""
import subprocess
import sys


def main():
    text, command = sys.argv[1], sys.argv[2:]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, end="")
    found = any(text in line for line in done.stdout.splitlines())
    if done.returncode == 1 and found:
        return 0
    print(f"expect_failure: exit status {done.returncode}, the text {'is' if found else 'is not'} there: {text}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
