#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the same Keras network in fovea, onnxruntime, LiteRT, OpenVINO, ncnn and MNN, turn by turn on one core.

Each engine has a process and an environment of its own. What it answers is compared with Keras first; one that
differs is not timed. With --dtype int8 the networks are those of the shipped detectors small224 and large224, also for larger
pictures, each engine quantises them its own way with the same photos, and how many labels that changes is counted on others.
Run it with the recipe's Python (models/recipe/requirements.txt), on a machine that does nothing else.

examples:
    python bench/peers/compare.py --install                                  # once: the engines, from PyPI
    python bench/peers/compare.py --build build/release --core 1             # all networks; report in build/peers
    python bench/peers/compare.py --network small224 --rounds 2 --seconds 0.02 --loads 1      # does it work?
    python bench/peers/compare.py --dtype int8 --photos PHOTOS       # 8 bits; report in build/peers/report_int8.md
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys

import environments
import networks
import report
from engine_process import EngineProcess
from environments import ALL, ROOT, BenchError, python_of

NETWORKS = ("large512", "small512", "large224", "small224")
FOVEA_FLOATS = "fovea_floats"  # runs beside the files of 8 bits


def answers(engine, folder):
    """An engine's probabilities of the pictures, and Keras's."""
    import numpy as np

    with np.load(folder / "expected.npz") as expected:
        wanted = expected["probabilities"]
    got = np.array(engine.ask("check")["probabilities"])
    if got.shape != wanted.shape:
        raise BenchError(f"{engine.name}: answers of shape {got.shape}, Keras's are {wanted.shape}")
    return got, wanted


def check_floats(arguments, engine, folder, result):
    """The engine's probabilities, which may differ from Keras's by little."""
    import numpy as np

    got, wanted = answers(engine, folder)
    result["difference"] = float(np.abs(got - wanted).max()) if np.isfinite(got).all() else float("inf")
    if not result["difference"] <= arguments.tolerance:
        raise BenchError(f"{engine.name}: answers differ from Keras's by {result['difference']:.1e}, more than {arguments.tolerance:.0e}")
    return got


def count_labels(got, floats, cut):
    """How many pictures of how many have another label than in floats; what is no number has none."""
    labels = [value[:, 1] >= cut for value in (got, floats)]
    differ = (labels[0] != labels[1]) | ~(got == got).all(axis=1)
    return {"differ": int(differ.sum()), "pictures": len(differ)}


def start(arguments, name, folder, variables):
    engine = "fovea" if name == FOVEA_FLOATS else name
    command = [python_of(arguments.environments, engine), environments.HERE / "runner.py", engine, folder, arguments.threads]
    return EngineProcess(name, command, arguments.cores, variables)


def check_codes(arguments, engine, folder, variables, result):
    """Counts the labels that differ from those of the same engine with the same network in floats, whose answers are compared with Keras's."""
    import numpy as np

    floats = start(arguments, engine.name, folder / "float", variables)
    try:
        wanted = check_floats(arguments, floats, folder / "float", result)
    finally:
        if floats.is_running():
            floats.close()
    got, _ = answers(engine, folder / engine.name)
    with np.load(folder / "float" / "expected.npz") as expected:
        result["labels"] = count_labels(got, wanted, float(expected["cut"]))


def start_engine(arguments, name, network, folder, variables, result):
    """Starts an engine several times for its load and first run, and keeps the last; None, with the reason, if it fails."""
    engine = None
    floats = folder / "float" if arguments.dtype == "int8" else folder
    is_codes = arguments.dtype == "int8" and name != FOVEA_FLOATS
    try:
        networks.convert(arguments, name, floats)
        files = networks.quantize(arguments, name, folder) if is_codes else floats
        for _ in range(arguments.loads):
            if engine is not None:
                engine.close()
            engine = start(arguments, name, files, variables)
            result["starts"].append(engine.started)
        if is_codes:
            check_codes(arguments, engine, folder, variables, result)
        else:
            check_floats(arguments, engine, files, result)
        # Some answers into the warm state, and how many runs fill a turn.
        warm = engine.ask("run 5")["seconds"]
        result["runs_per_turn"] = max(3, round(arguments.seconds / min(warm)))
        return engine
    except BenchError as error:
        print(f"{network}: {error}", file=sys.stderr)
        result["failed"] = str(error).splitlines()[0]
        if engine is not None and engine.is_running():
            engine.close()
        return None


def measure_network(arguments, network, variables):
    folder = (networks.detector if arguments.dtype == "int8" else networks.floats)(arguments, network)
    names = list(arguments.engine)
    if arguments.dtype == "int8" and "fovea" in names:
        names.insert(names.index("fovea") + 1, FOVEA_FLOATS)
    results = {name: {"starts": [], "turns": [], "interruptions": 0} for name in names}
    engines = []
    try:
        for name in names:
            if name in arguments.skipped:
                results[name]["skipped"] = arguments.skipped[name]
                continue
            engine = start_engine(arguments, name, network, folder, variables, results[name])
            if engine is not None:
                engines.append(engine)
        for turn in range(arguments.rounds if engines else 0):
            # Each round begins with another engine: none always runs after the same one.
            for engine in engines[turn % len(engines):] + engines[:turn % len(engines)]:
                result = results[engine.name]
                answer = engine.ask(f"run {result['runs_per_turn'] + 2}")
                result["turns"].append(answer["seconds"][2:])  # the first two find the caches full of another engine
                result["interruptions"] += answer["interruptions"]
            print(f"{network}: round {turn + 1} of {arguments.rounds}", file=sys.stderr)
    finally:
        for engine in engines:
            if engine.is_running():
                engine.close()
    return results


def measure_peak(build, cores):
    """Floating-point operations a second of the core by kernel_bench, or None where it is not built."""
    program = build / "bench" / "kernel_bench"
    if not program.is_file():
        return None
    done = subprocess.run([program, "--benchmark_filter=^$"], capture_output=True, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    for line in done.stderr.splitlines():
        if line.startswith("peak of this core: "):
            return float(line.split()[4]) * 1e9
    return None


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def at_least(minimum, kind):
    def parse(text):
        value = kind(text)
        if not value >= minimum:
            raise argparse.ArgumentTypeError(f"{text} is below {minimum}")
        return value
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install the engines from PyPI and stop")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "peers", metavar="DIR",
                        help="report, networks and environments (default: build/peers)")
    parser.add_argument("--environments", type=pathlib.Path, metavar="DIR", help="where the engines are (default: OUT/environments)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", metavar="DIR",
                        help="Meson build folder with libfovea.a (default: build/release)")
    parser.add_argument("--dtype", choices=("fp32", "int8"), default="fp32", help="floats or 8 bits (default: fp32)")
    parser.add_argument("--photos", type=pathlib.Path, metavar="DIR", help="int8: photos to calibrate and to judge with, below this folder")
    parser.add_argument("--count", type=at_least(8, int), default=256, metavar="N", help="int8: photos to calibrate with (default: 256)")
    parser.add_argument("--judged", type=at_least(1, int), default=256, metavar="N", help="int8: other photos to judge with (default: 256)")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="only this one; may be given again")
    parser.add_argument("--engine", action="append", choices=ALL, help="only this one; may be given again")
    parser.add_argument("--threads", type=at_least(1, int), default=1, metavar="N", help="threads of each engine (default: 1)")
    parser.add_argument("--core", type=at_least(0, int), default=1, metavar="N",
                        help="the first core to pin to, of as many as there are threads (default: 1)")
    parser.add_argument("--rounds", type=at_least(1, int), default=15, metavar="N", help="turns of each engine (default: 15)")
    parser.add_argument("--seconds", type=at_least(0.0, float), default=0.5, metavar="S", help="about how long a turn is (default: 0.5)")
    parser.add_argument("--loads", type=at_least(1, int), default=5, metavar="N", help="processes for load and first run (default: 5)")
    parser.add_argument("--tolerance", type=at_least(0.0, float), default=1e-4, metavar="P",
                        help="largest difference of a probability from Keras's (default: 1e-4)")
    arguments = parser.parse_args()
    arguments.environments = arguments.environments or arguments.out / "environments"
    arguments.network = arguments.network or NETWORKS
    arguments.engine = arguments.engine or ALL
    arguments.cores = {arguments.core + i for i in range(arguments.threads)}
    if arguments.dtype == "int8" and not arguments.install and not (arguments.photos and arguments.photos.is_dir()):
        parser.error(f"--dtype int8 needs --photos, a folder; {arguments.photos} is none" if arguments.photos else "--dtype int8 needs --photos")
    if not arguments.install and not arguments.cores <= os.sched_getaffinity(0):
        parser.error(f"there is no core {max(arguments.cores)} to pin to: see --core and --threads")
    return arguments


def install_all(arguments):
    failed = []
    for name in arguments.engine:
        try:
            environments.install(arguments.environments, name)
        except BenchError as error:
            print(f"compare.py: {error}", file=sys.stderr)
            failed.append(name)
    environments.install_onnx_tools(arguments.environments, sys.executable)
    print("installed: " + ", ".join(name for name in arguments.engine if name not in failed))
    return 1 if failed else 0


def compare(arguments):
    if arguments.install:
        return install_all(arguments)
    arguments.skipped = {**(networks.SKIPPED if arguments.dtype == "int8" else {}), **environments.refused(arguments.environments)}
    missing = [name for name in environments.missing(arguments.environments) if name in arguments.engine and name not in arguments.skipped]
    if missing:
        raise BenchError(f"not installed: {', '.join(missing)}; run compare.py --install first, or choose with --engine")
    variables = {"OMP_NUM_THREADS": str(arguments.threads)}
    if "fovea" in arguments.engine:
        variables["FOVEA_SHARED"] = str(environments.link_shared_library(arguments.build, arguments.out).resolve())
    load_before = os.getloadavg()[0]
    measured = {network: measure_network(arguments, network, variables) for network in arguments.network}
    facts = {"dtype": arguments.dtype, "cpu": cpu_name(), "threads": arguments.threads, "rounds": arguments.rounds, "load_before": load_before,
             "peak_flops": measure_peak(arguments.build, arguments.cores) if arguments.dtype == "fp32" else None}
    arguments.out.mkdir(parents=True, exist_ok=True)
    kind = "" if arguments.dtype == "fp32" else f"_{arguments.dtype}"
    (arguments.out / f"measured{kind}.json").write_text(json.dumps({"facts": facts, "networks": measured}, indent=1) + "\n")
    text = report.markdown(facts, measured)
    (arguments.out / f"report{kind}.md").write_text(text)
    report.plot(facts, measured, arguments.out / f"latency{kind}.png")
    print(text)
    return 1 if any("failed" in result for results in measured.values() for result in results.values()) else 0


def main():
    arguments = parse_arguments()
    try:
        return compare(arguments)
    except (BenchError, OSError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
