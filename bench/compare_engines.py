#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare two builds of fovea: the plans, working memory and output bits of random networks and of the detectors.

For before and after a change of the engine. A random network comes with weights as floats and as halves, a detector or another
model as its file has them. Each is planned and run at every instruction set that both programs have, planned for 1 and for 4
threads, and run on whole numbers and on fractions.
Exit status: 0 all outputs that both give have the same bits; 1 some differ, or one program refuses what the other takes;
2 wrong usage. Plans and working memory may differ for good reasons: they are counted, and --show prints how. What both programs
refuse is counted too: neither has an answer to compare. A program that takes longer than ten minutes refuses.

examples:
    git worktree add ../before HEAD~1 && meson setup ../before/build ../before --buildtype=release
    ninja -C ../before/build engine/cli/fovea
    python bench/compare_engines.py ../before/build/engine/cli/fovea build/release/engine/cli/fovea
    python bench/compare_engines.py --first 17 --networks 1 --show 1 --keep /tmp/networks OLD NEW
    python bench/compare_engines.py --isa neon "qemu-aarch64 -L /usr/aarch64-linux-gnu before/fovea" "qemu-aarch64 ... after/fovea"
"""
import argparse
import collections
import concurrent.futures
import difflib
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import threading

import numpy as np
import random_graphs
from fovea_tools.file import fovea_file

DETECTORS = pathlib.Path(__file__).resolve().parent.parent / "models" / "detectors"
WEIGHTS = {"fp32": fovea_file.F32, "fp16": fovea_file.F16}
THREADS = (1, 4)
STEP = re.compile(r" *\d+ (?P<layer>.*?) +(?P<kernel>\S+) +(?P<shape>\d+x\d+x\d+(?: u8| s16)?)(?P<slice>(?: of \d+)?) +(?P<work>\d+)"
                  r" +(?P<stored>whole|\d+ rows) +(?P<place>\d+ +\d+ +\d+ +\d+)")
SEGMENT = re.compile(r"segment \d+: (?P<bands>.*), (?P<place>\d+ bytes) of the arena in use")
WORKSPACE = re.compile(r"workspace (\d+) bytes = .*")
TIMEOUT = 600  # seconds
ASPECTS = ("arithmetic", "steps", "kernels", "slices", "bands", "places")  # in which plans may differ


class Refused(Exception):
    """A program gave no answer."""


def called(program, *arguments):
    try:
        done = subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT,
                              env={key: value for key, value in os.environ.items() if key != "FOVEA_ISA"})
    except subprocess.TimeoutExpired:
        raise Refused(f"{shlex.join(program)} {arguments[0]} took more than {TIMEOUT} seconds") from None
    except OSError as error:
        raise Refused(f"{shlex.join(program)} cannot be run: {error}") from None
    if done.returncode != 0:
        lines = done.stderr.splitlines() or [""]
        raise Refused(f"{shlex.join(program)} ended with {done.returncode}: {lines[-1]}")
    return done.stdout


def instruction_sets(program):
    first = called(program, "kernels").splitlines()[0]
    return first.split(": ", 1)[1].split(", ")


def plan_of(program, model, isa, threads):
    """The lines of the plan, without what is said of the file."""
    text = called(program, "info", "--plan", "--isa", isa, "--threads", threads, model)
    start = re.search(r"^input \d+x\d+x\d+, ", text, re.MULTILINE)
    if not start:
        raise Refused(f"{shlex.join(program)} info --plan prints no plan")
    return text[start.start():].splitlines()


def aspects_of(plan):
    """What a plan says, by aspect; equal aspects are equal lists. And the bytes of its workspace, None where it names none."""
    found = {aspect: [] for aspect in ASPECTS}
    workspace = None
    for line in plan:
        if match := STEP.fullmatch(line):
            found["steps"].append((match["layer"], match["shape"], match["work"]))
            found["kernels"].append(match["kernel"])
            found["slices"].append(match["slice"])
            found["bands"].append(match["stored"])
            found["places"].append(match["place"].split())
        elif match := SEGMENT.fullmatch(line):
            found["bands"].append(match["bands"])
            found["places"].append(match["place"])
        elif match := WORKSPACE.fullmatch(line):
            workspace = int(match[1])
            found["places"].append(line)
        elif line.startswith("arithmetic: "):
            found["arithmetic"].append(line)
    return found, workspace


def results_of(program, model, isa, inputs, *more):
    """For each input the numbers of its answer, as they are printed: enough digits for every bit."""
    lines = called(program, "run", "--model", model, "--isa", isa, *more, *inputs).splitlines()
    if len(lines) != len(inputs):
        raise Refused(f"{shlex.join(program)} run gives {len(lines)} answers to {len(inputs)} inputs")
    try:
        answers = [json.loads(line, parse_float=str) for line in lines]
    except ValueError:
        raise Refused(f"{shlex.join(program)} run prints what is no JSON") from None
    return [{key: value for key, value in answer.items() if key in ("logits", "probabilities")} for answer in answers]


def answer_or_refusal(call, *arguments):
    try:
        return call(*arguments)
    except Refused as refusal:
        return refusal


def first_other_layer(programs, name, model, isa, inputs, folder):
    """The first layer whose bits differ between the two, of the first input for which one does. Raises Refused where layers cannot be had."""
    for number, path in enumerate(inputs):
        dumped = []
        for side, program in enumerate(programs):
            place = folder / f"{name}_{isa}_{number}_{side}"
            results_of(program, model, isa, [path], "--dump", place)
            dumped.append(place)
        try:
            taps = [{tap["name"]: place / tap["file"] for tap in json.loads((place / "index.json").read_text())["taps"]} for place in dumped]
            for layer, path_before in taps[0].items():
                if layer in taps[1] and np.load(path_before).tobytes() != np.load(taps[1][layer]).tobytes():
                    return layer
        except (OSError, ValueError, KeyError) as error:
            raise Refused(f"the layers cannot be read: {error}") from None
    return None


def write_inputs(shape, seed, folder, name):
    random = np.random.default_rng(seed)
    paths = [folder / f"{name}_whole.npy", folder / f"{name}_fractions.npy"]
    np.save(paths[0], random.integers(0, 256, shape).astype(np.uint8))
    np.save(paths[1], random.uniform(0, 255, shape).astype(np.float32))
    return paths


class Comparison:
    """Counts what is the same and what is not; several threads may judge. The lock is held while it counts, not while programs run."""

    def __init__(self, programs, show):
        self.lock = threading.Lock()
        self.programs = programs
        self.show = show
        self.plans = collections.Counter()  # of the aspects in which they differ
        self.kernels = collections.Counter()  # of (before, after)
        self.workspaces = collections.Counter()
        self.larger = []  # (per cent, what)
        self.outputs = collections.Counter()
        self.other_outputs = []
        self.refusals = []  # of one program
        self.refused_by_both = []
        self.examples = collections.defaultdict(list)

    def judge_plans(self, what, before, after):
        (old, old_bytes), (new, new_bytes) = aspects_of(before), aspects_of(after)
        different = tuple(aspect for aspect in ASPECTS if old[aspect] != new[aspect])
        if before != after and not different:
            different = ("text",)  # of lines that are of no aspect
        self.plans[different] += 1
        if "kernels" in different and "steps" not in different:
            self.kernels.update(pair for pair in zip(old["kernels"], new["kernels"]) if pair[0] != pair[1])
        if different and different != ("kernels",) and len(self.examples[different]) < self.show:
            self.examples[different].append((what, before, after))
        if old_bytes is None or new_bytes is None:
            self.workspaces["not told"] += 1
            return
        size = "smaller" if new_bytes < old_bytes else "larger" if new_bytes > old_bytes else "the same"
        self.workspaces[size] += 1
        if size == "larger":
            self.larger.append((100 * (new_bytes / max(old_bytes, 1) - 1), f"{what}: {old_bytes} -> {new_bytes} bytes"))

    def judge_outputs(self, what, before, after, place):
        self.outputs["the same" if before == after else "different"] += 1
        self.outputs["whatever the input"] += before[0] == before[1]
        if before == after:
            return
        numbers = [np.array([[float(x) for x in answer["logits"]] for answer in side]) for side in (before, after)]
        spread = np.ptp(numbers[0], axis=1).max()
        self.other_outputs.append((np.abs(numbers[0] - numbers[1]).max() / (spread or 1), f"{what}: {place}"))

    def are_given(self, what, answers):
        """Whether both programs answered; counts what they refuse."""
        refusals = [answer for answer in answers if isinstance(answer, Refused)]
        if len(refusals) == len(answers):
            self.refused_by_both.append(f"{what}: {'; '.join(map(str, refusals))}")
        else:
            self.refusals.extend(f"{what}: {refusal}" for refusal in refusals)
        return not refusals

    def judge(self, name, model, isa, inputs, folder):
        def both(call, *arguments):
            return [answer_or_refusal(call, program, model, isa, *arguments) for program in self.programs]

        plans = [both(plan_of, threads) for threads in THREADS]
        results = both(results_of, inputs)
        layer, place = None, "in no layer that can be tapped"
        if results[0] != results[1] and not any(isinstance(result, Refused) for result in results):
            layer = answer_or_refusal(first_other_layer, self.programs, name, model, isa, inputs, folder)
        if layer is not None:
            place = "first in a layer that was not found" if isinstance(layer, Refused) else f"first in layer {layer}"
        with self.lock:
            for threads, pair in zip(THREADS, plans):
                what = f"{name}, {isa}, threads {threads}"
                if self.are_given(f"{what}, plan", pair):
                    self.judge_plans(what, *pair)
            what = f"{name}, {isa}"
            if self.are_given(f"{what}, run", results):
                self.judge_outputs(what, *results, place)
            if isinstance(layer, Refused):
                self.refusals.append(f"{what}, layers: {layer}")

    def report(self):
        print(f"plans: {sum(self.plans.values())}")
        for different, count in sorted(self.plans.items(), key=lambda item: -item[1]):
            print(f"  {count:6}  {'the same' if not different else 'other ' + ', '.join(different)}")
        if self.kernels:
            print("kernels of steps that are otherwise the same:")
            for (old, new), count in sorted(self.kernels.items()):
                print(f"  {count:6}  {old} -> {new}")
        print("working memory: " + ", ".join(f"{self.workspaces[size]} {size}" for size in ("smaller", "the same", "larger"))
              + (f", {self.workspaces['not told']} not told" if self.workspaces["not told"] else ""))
        for per_cent, what in sorted(self.larger, reverse=True)[:20]:
            print(f"  +{per_cent:.2f} %  {what}")
        if len(self.larger) > 20:
            print(f"  and {len(self.larger) - 20} more")
        print(f"outputs: {self.outputs['the same']} the same, {self.outputs['different']} different "
              f"({self.outputs['whatever the input']} that are one whatever the input)")
        for part, what in sorted(self.other_outputs, reverse=True):
            print(f"  {part:.1e} of the logits' spread  {what}")
        for refusal in self.refusals:
            print(f"refused: {refusal}")
        if self.refused_by_both:
            print(f"refused by both: {len(self.refused_by_both)}")
            for refusal in self.refused_by_both[:20]:
                print(f"  {refusal}")
        for different, examples in self.examples.items():
            for what, before, after in examples:
                print(f"\n{what}: other {', '.join(different)}")
                print("\n".join(difflib.unified_diff(before, after, "before", "after", lineterm="", n=1)))


def networks(arguments, folder):
    """(name, file, seed, shape of the input) of each, the files written to the folder. No two names are the same."""
    for number, path in enumerate(arguments.models):
        model = fovea_file.read_fovea(path.read_bytes())
        height, width, channels = model.input_size
        yield f"{path.stem}_{number}", path, 0, (height or model.default_size[0], width or model.default_size[1], channels)
    for seed in range(arguments.first, arguments.first + arguments.networks):
        for weights, weight_type in WEIGHTS.items():
            path = folder / f"random_{seed}_{weights}.fovea"
            path.write_bytes(random_graphs.random_model(seed, weight_type))
            yield path.stem, path, seed, fovea_file.read_fovea(path.read_bytes()).input_size


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=shlex.split, metavar="OLD", help="fovea before the change: a program, or one with an emulator before it")
    parser.add_argument("new", type=shlex.split, metavar="NEW", help="fovea after it")
    parser.add_argument("--networks", type=int, default=300, metavar="N", help="how many random networks (default: 300)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="of the first of them; the next has the next (default: 0)")
    parser.add_argument("--models", type=pathlib.Path, nargs="*", metavar="MODEL.fovea",
                        help="more networks (default: the floats of the shipped detectors)")
    parser.add_argument("--isa", action="append", metavar="NAME", help="only this instruction set; may be given again (default: all)")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N plans of each kind of difference")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="write the networks and inputs there (default: a folder that goes)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="at a time (default: the number of CPUs)")
    arguments = parser.parse_args()
    if min(arguments.networks, arguments.first, arguments.show) < 0 or arguments.jobs < 1:
        parser.error("numbers below 0, or no job")
    if arguments.models is None:
        arguments.models = sorted(path for path in DETECTORS.glob("*/*.fovea") if not path.stem.endswith("_int8"))
    return parser, arguments


def main():
    parser, arguments = parse_arguments()
    programs = (arguments.old, arguments.new)
    try:
        known = [instruction_sets(program) for program in programs]
    except (Refused, IndexError) as error:
        parser.error(f"no fovea program: {error}")
    common = [isa for isa in known[0] if isa in known[1]]
    for isa in arguments.isa or []:
        if isa not in common:
            parser.error(f"--isa {isa}: both have {', '.join(common)}")
    comparison = Comparison(programs, arguments.show)
    with tempfile.TemporaryDirectory() as temporary, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        folder = arguments.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)

        def compare(network):
            name, model, seed, shape = network
            inputs = write_inputs(shape, seed, folder, name)
            for isa in arguments.isa or common:
                comparison.judge(name, model, isa, inputs, pathlib.Path(temporary))

        made = networks(arguments, folder)
        done = 0
        while batch := list(itertools.islice(made, 4 * arguments.jobs)):
            for _ in pool.map(compare, batch):
                done += 1
            print(f"\r{done} files", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    comparison.report()
    return 1 if comparison.other_outputs or comparison.refusals else 0


if __name__ == "__main__":
    sys.exit(main())
