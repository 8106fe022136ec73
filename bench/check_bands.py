#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the planner's cost model against measured alternatives: are the chosen bands about as fast as the fastest, and is the model's
order no chance?

Noise makes a network look worse than it is, so that one good measurement of several is enough. It needs a machine with nothing else to do,
which is why it is no test.

examples:
    taskset -c 1 python bench/check_bands.py build/release models/detectors/large224/large224.fovea
    taskset -c 1 python bench/check_bands.py build/release models/detectors/small224/small224.fovea --isa avx2 --least-correlation 0.4
"""
import argparse
import pathlib
import re
import subprocess
import sys

TRIES = 4


def read_table(text):
    """The rows of band_bench as (segment, band, chosen, cycles, us), how many per cent longer the chosen bands take, and the correlation."""
    rows = [(int(segment), int(band), chosen == "*", int(cycles), float(us)) for segment, band, chosen, cycles, us in re.findall(
        r"^\| (\d+) \| .+ \| (\d+) \| (\*?) \| (\d+) \| \d+ \| ([\d.]+) \| \d+ \| [\d.]+ \|$", text, re.MULTILINE)]
    lost, = re.findall(r"^the chosen bands take (-?[\d.]+) % longer$", text, re.MULTILINE)
    correlation, = re.findall(r"rank correlation (-?[\d.]+)$", text, re.MULTILINE)
    return rows, float(lost), float(correlation)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="a Meson build folder with bench/band_bench")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--isa", help="as of band_bench; where kernels are so fast that few heights differ, their order is mostly noise")
    parser.add_argument("--most-lost", type=float, default=5.0, metavar="PERCENT", help="of the network's time (default: 5)")
    parser.add_argument("--least-correlation", type=float, metavar="R",
                        help="0 is chance; 0.7 to 0.9 was measured for the detectors with AVX2 (default: not looked at)")
    arguments = parser.parse_args()
    least_lost, best_correlation = float("inf"), -1.0
    for attempt in range(TRIES):
        done = subprocess.run([arguments.build / "bench" / "band_bench", arguments.model, "--seconds", str(1.0 + attempt)] +
                              (["--isa", arguments.isa] if arguments.isa else []), capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr, end="", file=sys.stderr)
            return 2
        _, lost, correlation = read_table(done.stdout)
        least_lost, best_correlation = min(least_lost, lost), max(best_correlation, correlation)
        print(f"the chosen bands take {lost} % longer, rank correlation {correlation}")
        if least_lost <= arguments.most_lost and best_correlation >= (arguments.least_correlation or -1.0):
            return 0
    print(f"check_bands.py: not within {arguments.most_lost} % and a correlation of {arguments.least_correlation} in {TRIES} tries", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
