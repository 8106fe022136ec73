#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time the whole way from the bytes of a photo in memory to its verdict: fovea beside OpenCV or Pillow with LiteRT or onnxruntime.

All run the same detector on the same photos, turn by turn in one run, with one thread and with all cores. The verdicts are compared
first: a chain whose verdict differs from fovea's, or whose score does by more than --tolerance, is not timed. Run it with the recipe's
Python (models/recipe/requirements.txt), on a machine that does nothing else.

examples:
    python bench/peers/chain.py --install                           # once: the libraries, from PyPI
    python bench/peers/chain.py PHOTO.jpg ...                       # 12-megapixel photos, say; report in build/peers/chain.md
    python bench/peers/chain.py --rounds 2 --turn 1 --threads 1     # does it work?
"""
import argparse
import json
import os
import pathlib
import statistics
import sys

import environments
import report
from compare import at_least, cpu_name
from engine_process import EngineProcess
from environments import ROOT, BenchError, python_of

CHAINS = ("fovea", "opencv_litert", "opencv_litert_reduced", "opencv_onnxruntime", "opencv_onnxruntime_reduced", "pillow_litert",
          "pillow_litert_reduced")
ENVIRONMENT = "chain"
DETECTOR = ROOT / "models" / "detectors" / "large224" / "large224.fovea"
PHOTOS = sorted((ROOT / "tests" / "golden" / "data" / "photos").glob("*.jpg"))


def prepare(arguments):
    """The detector in the format of every engine, made once."""
    folder = arguments.out / "chain" / arguments.detector.stem
    made_from = f"{arguments.detector.stat().st_size} {arguments.detector.stat().st_mtime_ns}\n"
    done = folder / "prepared"
    if not (done.is_file() and done.read_text() == made_from):
        print(f"{arguments.detector.name}: making the files ...", file=sys.stderr)
        tools = environments.install_onnx_tools(arguments.environments, sys.executable)
        environments.run_checked(
            [sys.executable, environments.HERE / "chain_prepare.py", arguments.detector, arguments.architecture, folder],
            f"{arguments.detector} (chain.py needs the recipe's Python, models/recipe/requirements.txt)",
            env={**os.environ, "PYTHONPATH": str(tools), "TF_CPP_MIN_LOG_LEVEL": "2"})
        done.write_text(made_from)
    return folder


def command_of(arguments, chain, folder, threads):
    if chain == "fovea":
        program = arguments.build / "bench" / "screen_bench"
        if not program.is_file():
            raise BenchError(f"{program} is missing: is {arguments.build} a Meson build folder, and built?")
        return [program, "--serve", arguments.detector, *arguments.photos, "--threads", threads]
    return [python_of(arguments.environments, ENVIRONMENT), environments.HERE / "chain_runner.py", chain, folder, threads,
            *arguments.photos]


def agree(found, reference, tolerance):
    """How far the scores are from the reference's; raises BenchError where a verdict differs, or a score by more than tolerance."""
    difference = max(abs(mine - its) for mine, its in zip(found["scores"], reference["scores"], strict=True))
    differing = sum(mine != its for mine, its in zip(found["found"], reference["found"], strict=True))
    if differing:
        raise BenchError(f"{differing} of {len(found['found'])} verdicts differ from fovea's (scores by {difference:.2g})")
    if not difference <= tolerance:
        raise BenchError(f"scores differ from fovea's by {difference:.2g}, more than {tolerance:g}")
    return difference


def start_chains(arguments, folder, threads, cores, results):
    """The processes of the chains that agree."""
    running, reference = [], None
    for chain in arguments.chains:
        result = results[chain]
        process = None
        try:
            process = EngineProcess(chain, command_of(arguments, chain, folder, threads), cores, {"OMP_NUM_THREADS": str(threads)})
            result["version"] = process.started["version"]
            found = process.ask("check")
            reference = reference or found  # fovea is the first
            result["difference"] = agree(found, reference, arguments.tolerance)
            running.append(process)
        except BenchError as error:
            print(f"{chain}: {error}", file=sys.stderr)
            result["failed"] = str(error).splitlines()[0]
            if process is not None and process.is_running():
                process.close()
            if chain == "fovea":
                raise
    return running


def measure(arguments, folder, threads):
    """{chain: {"photos": [{"turns": [[seconds]]}], ...}} of one number of threads."""
    cores = set(sorted(os.sched_getaffinity(0))[-threads:])
    results = {chain: {"photos": [{"turns": [], "interruptions": 0} for _ in arguments.photos]} for chain in arguments.chains}
    running = []
    try:
        running = start_chains(arguments, folder, threads, cores, results)
        for turn in range(arguments.rounds):
            for index in range(len(arguments.photos)):
                # Each round begins with another chain: none always runs after the same one.
                for process in running[turn % len(running):] + running[:turn % len(running)]:
                    answer = process.ask(f"run {arguments.turn + 1} {index}")
                    photo = results[process.name]["photos"][index]
                    photo["turns"].append(answer["seconds"][1:])  # the first finds the caches full of another chain
                    photo["interruptions"] += answer["interruptions"]
            print(f"{threads} threads: round {turn + 1} of {arguments.rounds}", file=sys.stderr)
    finally:
        for process in running:
            if process.is_running():
                process.close()
    return results


def table(photo_names, results):
    """Milliseconds of each chain for each photo, and how many times as long as fovea's, the median of the rounds."""
    lines = ["| chain | " + " | ".join(f"{name}: best, median ms | × fovea" for name in photo_names) + " | score differs by |",
             "|--|" + "--:|" * (2 * len(photo_names) + 1)]
    for chain, result in results.items():
        if "failed" in result:
            reason = result["failed"].replace("|", "/")
            lines.append(f"| {chain} | not timed: {reason} " + "| " * (2 * len(photo_names)) + "|")
            continue
        cells = []
        for photo, fovea in zip(result["photos"], results["fovea"]["photos"], strict=True):
            times = report.times(photo)
            cells.append(f"{1e3 * times[0]:.1f}, {1e3 * statistics.median(times):.1f} | {report.ratio_to(photo, fovea):.2f}")
        lines.append(f"| {chain} {result['version']} | " + " | ".join(cells) + f" | {result['difference']:.1g} |")
    return "\n".join(lines)


def markdown(facts, photo_names, measured):
    parts = ["# From the bytes of a photo to its verdict",
             f"{facts['cpu']}; {facts['detector']}; {facts['rounds']} rounds of {facts['turn']} runs in which each chain had a turn. fovea also "
             "judges the quality and refuses damaged files, which no other chain does. _reduced: the JPEG decoder's smallest scale at which "
             "the photo is at least twice the network's input. × fovea: the median over the rounds of how many times as long."]
    unquiet = [f"the machine was not quiet: its load was {facts['load_before']:.1f} before the start"] \
        if facts["load_before"] > report.QUIET_LOAD else []
    for threads, results in measured.items():
        for chain, result in results.items():
            runs = sum(len(turn) + 1 for photo in result["photos"] for turn in photo["turns"])
            taken = sum(photo["interruptions"] for photo in result["photos"])
            if runs and taken > report.QUIET_INTERRUPTIONS * runs:
                unquiet.append(f"{threads} threads, {chain}: the core was taken away {taken} times in {runs} runs")
    if unquiet:
        parts.append("**Do not quote these times:**\n" + "\n".join(f"- {line}" for line in unquiet))
    for threads, results in measured.items():
        parts.append(f"## {threads} thread{'s' if threads != 1 else ''}\n\n{table(photo_names, results)}")
    return "\n\n".join(parts) + "\n"


def parse_arguments():
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=pathlib.Path, default=PHOTOS, metavar="PHOTO",
                        help="JPEG files (default: the small ones of the tests)")
    parser.add_argument("--install", action="store_true", help="install the libraries from PyPI and stop")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "peers", metavar="DIR",
                        help="report, files and environments (default: build/peers)")
    parser.add_argument("--environments", type=pathlib.Path, metavar="DIR", help="where the libraries are (default: OUT/environments)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", metavar="DIR",
                        help="Meson build folder with bench/screen_bench (default: build/release)")
    parser.add_argument("--detector", type=pathlib.Path, default=DETECTOR, metavar="FILE", help="a float32 detector of the recipe "
                        "(default: the shipped large224)")
    parser.add_argument("--architecture", choices=("large", "small"), default="large", help="the detector's (default: large)")
    parser.add_argument("--chain", action="append", choices=CHAINS[1:], help="beside fovea only this one; may be given again")
    parser.add_argument("--threads", action="append", type=at_least(1, int), metavar="N",
                        help="of each chain; may be given again (default: 1, and all cores)")
    parser.add_argument("--rounds", type=at_least(1, int), default=9, metavar="N", help="turns of each chain on each photo (default: 9)")
    parser.add_argument("--turn", type=at_least(1, int), default=3, metavar="N", help="runs in a turn (default: 3)")
    parser.add_argument("--tolerance", type=at_least(0.0, float), default=0.1, metavar="P",
                        help="largest difference of a score from fovea's (default: 0.1)")
    arguments = parser.parse_args()
    arguments.environments = arguments.environments or arguments.out / "environments"
    arguments.chains = ("fovea", *(arguments.chain or CHAINS[1:]))
    arguments.threads = arguments.threads or sorted({1, cores})
    if max(arguments.threads) > cores:
        parser.error(f"--threads {max(arguments.threads)}: there are {cores} cores")
    return arguments


def compare(arguments):
    if arguments.install:
        environments.install(arguments.environments, ENVIRONMENT)
        environments.install_onnx_tools(arguments.environments, sys.executable)
        print("installed")
        return 0
    for path in (arguments.detector, *arguments.photos):
        if not path.is_file():
            raise BenchError(f"{path}: no such file")
    if not (arguments.environments / ENVIRONMENT / "installed").is_file():
        raise BenchError("the libraries are not installed; run chain.py --install first")
    folder = prepare(arguments)
    load_before = os.getloadavg()[0]
    measured = {threads: measure(arguments, folder, threads) for threads in arguments.threads}
    facts = {"cpu": cpu_name(), "detector": arguments.detector.name, "rounds": arguments.rounds, "turn": arguments.turn,
             "load_before": load_before}
    names = [path.name for path in arguments.photos]
    (arguments.out / "chain.json").write_text(json.dumps({"facts": facts, "photos": names, "threads": measured}, indent=1) + "\n")
    text = markdown(facts, names, measured)
    (arguments.out / "chain.md").write_text(text)
    print(text)
    return 1 if any("failed" in result for results in measured.values() for result in results.values()) else 0


def main():
    try:
        return compare(parse_arguments())
    except (BenchError, OSError) as error:
        print(f"chain.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
