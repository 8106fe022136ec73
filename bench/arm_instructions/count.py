#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count the arm64 instructions that one inference executes, on emulated CPUs.

The counts are exact and the same on every machine, so they can be compared between two versions where times cannot. They
are not cycles: cores differ in how many of which kind they do at a time.

Needs qemu-user, g++-aarch64-linux-gnu, gcc and, without --build, Meson and what the library is built with.

examples:
    python bench/make_models.py --out build/bench-models
    python bench/arm_instructions/count.py build/bench-models/*.fovea
    python bench/arm_instructions/count.py --build build/arm64 --cpu cortex-a53 --layers small224.fovea
    python bench/arm_instructions/count.py --json before.json ...; python bench/arm_instructions/count.py --against before.json ...
    python bench/arm_instructions/count.py --hot 20 --cpu cortex-a53 large512.fovea      # in which functions and instructions
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import emulation
from emulation import BenchError

# Millions: the aim, and the best of the peers (MNN 3.6.1, ncnn 1.0.20261020, LiteRT 2.3.0, onnxruntime 1.32.0) on the same network.
AIMS = {
    ("large512", "fp32"): {"cortex-a53": (350, 418), "cortex-a76": (350, 397)},
    ("small224", "fp32"): {"cortex-a53": (20, 29.2), "cortex-a76": (20, 24.4)},
    ("large512", "fp16"): {"cortex-a76": (190, 207)},
    ("small224", "fp16"): {"cortex-a76": (None, 13.4)},
    ("large512", "int8"): {"cortex-a53": (400, 515), "cortex-a76": (160, 214), "max": (120, 214)},
    ("small224", "int8"): {"cortex-a53": (22, 28.9), "cortex-a76": (10, 14.5)},
}
LANES = {"fp32": 4, "fp16": 8, "int8": 16}  # multiply-adds of one 128-bit instruction (int8: with dot products)
KINDS = (  # of an instruction, by the beginning of its text
    ("multiply-add", re.compile(r"f?n?ml[as]|fn?m(add|sub)|[su]dot|[su]mmla|[su]ml[as]l|madd|msub")),
    ("load", re.compile(r"ld|prfm")),
    ("store", re.compile(r"st")),
    ("branch", re.compile(r"b[ .]|bl|br|cb|tb[nz]|ret")),
    ("other vector", re.compile(r"\S+ [vqdsh][0-9]")),
)


def millions(count):
    return f"{count / 1e6:.2f}" if count < 1e8 else f"{count / 1e6:.1f}"


def network_of(path):
    """"large512" of the file names large512.fovea and large512_fp16.fovea: what the aims are named by."""
    match = re.match(r"(large|small)\D?(\d+)", path.stem)
    return match[1] + match[2] if match else path.stem


def table(header, rows):
    """A Markdown table; columns of figures are set right."""
    columns = list(zip(header, *rows))
    widths = [max(len(str(cell)) for cell in column) for column in columns]
    is_text = [any(re.search("[^0-9.+%-]", str(cell)) for cell in column[1:]) for column in columns]
    def line(row):
        return "| " + " | ".join(str(cell).ljust(width) if text else str(cell).rjust(width)
                                 for cell, width, text in zip(row, widths, is_text)) + " |"
    rule = "|" + "|".join("-" * (width + 2) if text else "-" * (width + 1) + ":" for width, text in zip(widths, is_text)) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def totals_table(results):
    rows = []
    for result in results:
        bound = result["multiply_adds"] / LANES.get(result["dtype"], 4)
        aim, peer = AIMS.get((result["network"], result["dtype"]), {}).get(result["cpu"], (None, None))
        rows.append([result["model"], result["dtype"], result["cpu"], result["isa"], millions(result["per_inference"]),
                     f"{result['per_inference'] / bound:.2f}", aim or "", peer or "",
                     "" if aim is None else "met" if result["per_inference"] <= aim * 1e6 else "missed",
                     millions(result["first_run"]), millions(result["load"])])
    return table(["model", "type", "CPU", "kernels", "M instructions", "÷ bound", "aim", "best peer", "", "first run", "load"], rows)


def layers_table(result, before):
    """Every step: instructions, its part of the whole, and instructions over the bound of multiply-adds alone."""
    old = collections.defaultdict(list)
    for step in (before or {}).get("steps", []):
        old[step["name"]].append(step["instructions"])
    rows = []
    for step in result["steps"]:
        bound = step["multiply_adds"] / LANES.get(result["dtype"], 4)
        row = [step["name"], step["kernel"], f"{step['instructions'] / 1e3:.1f}",
               f"{100 * step['instructions'] / result['per_inference']:.1f}",
               f"{step['multiply_adds'] / 1e3:.1f}", f"{step['instructions'] / bound:.2f}" if bound >= 1 else ""]
        if before is not None:
            was = old[step["name"]].pop(0) if old[step["name"]] else None
            row.append("new" if was is None else f"{(step['instructions'] - was) / 1e3:+.1f}")
        rows.append(row)
    header = ["layer", "kernel", "k instructions", "%", "k multiply-adds", "÷ bound"]
    return table(header + (["k before"] if before is not None else []), rows)


def kernels_table(result):
    sums = collections.defaultdict(lambda: [0, 0, 0])
    for step in result["steps"]:
        entry = sums[step["kernel"]]
        entry[0] += 1
        entry[1] += step["instructions"]
        entry[2] += step["multiply_adds"]
    rows = []
    for kernel, (steps, instructions, multiply_adds) in sorted(sums.items(), key=lambda item: -item[1][1]):
        bound = multiply_adds / LANES.get(result["dtype"], 4)
        rows.append([kernel, steps, millions(instructions), f"{100 * instructions / result['per_inference']:.1f}",
                     f"{instructions / bound:.2f}" if bound >= 1 else ""])
    return table(["kernel", "steps", "M instructions", "%", "÷ bound"], rows)


def kind_of(text):
    return next((kind for kind, pattern in KINDS if pattern.match(text)), "other")


def hot_tables(places, runs, total, count):
    """The functions with most instructions, by kind of instruction; then the hottest addresses."""
    functions = collections.defaultdict(collections.Counter)
    addresses = []
    for line in places.read_text().splitlines():
        address, executed, symbol, text = line.split("\t", 3)
        executed = int(executed) / runs
        text = " ".join(text.split())
        functions[symbol or "(outside the program: C library)"][kind_of(text)] += executed
        addresses.append((executed, address, symbol, text))
    names = list(functions)
    plain = subprocess.run([emulation.find_tool("aarch64-linux-gnu-c++filt"), "-p"], input="\n".join(names), text=True,
                           capture_output=True, check=True).stdout.splitlines()
    plain = dict(zip(names, (name.replace("fovea::", "").replace("(anonymous namespace)::", "") for name in plain)))
    kinds = [kind for kind, _ in KINDS] + ["other"]
    rows = []
    for name, counter in sorted(functions.items(), key=lambda item: -sum(item[1].values()))[:count]:
        own = sum(counter.values())
        rows.append([plain[name], millions(own), f"{100 * own / total:.1f}", *(f"{100 * counter[kind] / own:.0f}" for kind in kinds)])
    hottest = [[f"0x{address}", millions(executed), plain.get(symbol, ""), text]
               for executed, address, symbol, text in sorted(addresses, reverse=True)[:count]]
    return (table(["function", "M instructions", "%", *(f"% {kind}" for kind in kinds)], rows) + "\n\n"
            + table(["address", "M times", "function", "instruction"], hottest))


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path, metavar="MODEL.fovea")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR", help="a Meson build folder for arm64, taken as it is; "
                        "without, the library is built below --work")
    parser.add_argument("--work", type=pathlib.Path, metavar="DIR", help="where to build (default: build/arm-instructions)",
                        default=emulation.ROOT / "build" / "arm-instructions")
    parser.add_argument("--cpu", action="append", metavar="NAME",
                        help=f"emulated CPU, may be given again (default: {', '.join(emulation.DEFAULT_CPUS)})")
    parser.add_argument("--runs", type=positive, default=1, metavar="N", help="count 2 N inferences less N (default: 1)")
    parser.add_argument("--isa", metavar="NAME", help="cap of the instruction set, as of `fovea --isa`")
    parser.add_argument("--layers", action="store_true", help="also each step of each network, and sums by kernel")
    parser.add_argument("--hot", type=positive, metavar="N", help="also the N functions and instructions executed most")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all counts to FILE")
    parser.add_argument("--against", type=pathlib.Path, metavar="FILE", help="compare with the counts that --json wrote")
    parser.add_argument("--check", action="store_true", help="exit status 1 when an aim is missed")
    return parser.parse_args()


def read_before(path):
    if path is None:
        return {}
    try:
        return {(item["model"], item["dtype"], item["cpu"], item["isa"]): item for item in json.loads(path.read_text())["results"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{path}: no file that --json wrote: {error}") from error


def measure(arguments):
    before = read_before(arguments.against)
    for model in arguments.models:
        if not model.is_file():
            raise BenchError(f"{model}: no such file")
    arguments.work.mkdir(parents=True, exist_ok=True)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plugin = emulation.build_plugin(folder)
        program = emulation.build_driver(arguments.build or emulation.cross_build(arguments.work), folder)
        emulator = emulation.Emulator(folder, plugin)
        places = folder / "places" if arguments.hot else None
        for model in arguments.models:
            for cpu in arguments.cpu or emulation.DEFAULT_CPUS:
                print(f"{model.name} as {cpu} ...", file=sys.stderr)
                result = emulator.count_model(program, model, cpu, arguments.runs, arguments.isa, places)
                result.update(model=model.stem, network=network_of(model), cpu=cpu)
                results.append(result)
                if places is not None:
                    result["hot"] = hot_tables(places, 2 * arguments.runs, result["per_inference"], arguments.hot)
    if arguments.json:
        arguments.json.write_text(json.dumps({"results": results}, indent=1) + "\n")

    print(totals_table(results))
    print("\nMillions for one inference. The bound is one instruction for every 4 (fp32), 8 (fp16) or 16 (int8) multiply-adds.")
    for result in results:
        old = before.get((result["model"], result["dtype"], result["cpu"], result["isa"]))
        title = f"{result['model']} {result['dtype']} as {result['cpu']}"
        if arguments.against is not None:
            print(f"\n{title}: " + ("not in the file compared with" if old is None else
                  f"{millions(old['per_inference'])} before, {millions(result['per_inference'])} now "
                  f"({100 * (result['per_inference'] / old['per_inference'] - 1):+.1f} %)"))
        if arguments.layers:
            print(f"\n## {title}\n\n{layers_table(result, old)}\n\n{kernels_table(result)}")
        if "hot" in result:
            print(f"\n## {title}: where\n\n{result['hot']}")
    missed = [result for result in results
              if (aim := AIMS.get((result["network"], result["dtype"]), {}).get(result["cpu"], (None,))[0]) is not None
              and result["per_inference"] > aim * 1e6]
    return 1 if arguments.check and missed else 0


def main():
    arguments = parse_arguments()
    try:
        return measure(arguments)
    except (BenchError, subprocess.TimeoutExpired, OSError) as error:
        print(f"count.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
