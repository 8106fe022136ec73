#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the same Keras network in fovea, onnxruntime, LiteRT, OpenVINO, ncnn and MNN, turn by turn on one core.

Each engine has a process and an environment of its own. What it answers is compared with Keras first; one that
differs is not timed. Run it with the recipe's Python (models/recipe/requirements.txt), on a machine that does nothing else.

examples:
    python bench/peers/compare.py --install                                  # once: the engines, from PyPI
    python bench/peers/compare.py --build build/release --core 1             # all networks; report in build/peers
    python bench/peers/compare.py --network small224 --rounds 2 --seconds 0.02 --loads 1      # does it work?
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys

import environments
import report
from engine_process import EngineProcess
from environments import ALL, ROOT, BenchError, python_of

NETWORKS = ("large512", "small512", "large224", "small224")


def prepare(arguments, network):
    """The network in the format of every engine, made once."""
    folder = arguments.out / "networks" / network
    if not (folder / "prepared").is_file():
        print(f"{network}: making the files ...", file=sys.stderr)
        tools = environments.install_onnx_tools(arguments.environments, sys.executable)
        environments.run_checked([sys.executable, environments.HERE / "prepare.py", network, folder],
                                 f"{network} (compare.py needs the recipe's Python, models/recipe/requirements.txt)",
                                 env={**os.environ, "PYTHONPATH": str(tools), "TF_CPP_MIN_LOG_LEVEL": "2"})
        (folder / "prepared").write_text("")
    return folder


def convert(arguments, name, folder):
    """The formats that need a converter of the engine's own."""
    wanted = {"ncnn": "model.ncnn.bin", "mnn": "model.mnn"}.get(name)
    if wanted and not (folder / wanted).is_file():
        environments.run_checked([python_of(arguments.environments, name), environments.HERE / f"convert_{name}.py", folder],
                                 f"{name} cannot convert {folder.name}")


def differences(engine, folder):
    """The largest difference from Keras's probabilities."""
    import numpy as np

    with np.load(folder / "expected.npz") as expected:
        wanted = expected["probabilities"]
    got = np.array(engine.ask("check")["probabilities"])
    if got.shape != wanted.shape:
        raise BenchError(f"{engine.name}: answers of shape {got.shape}, Keras's are {wanted.shape}")
    return float(np.abs(got - wanted).max()) if np.isfinite(got).all() else float("inf")


def start_engine(arguments, name, network, folder, variables, result):
    """Starts an engine several times for its load and first run, and keeps the last; None, with the reason, if it fails."""
    engine = None
    try:
        convert(arguments, name, folder)
        for _ in range(arguments.loads):
            if engine is not None:
                engine.close()
            command = [python_of(arguments.environments, name), environments.HERE / "runner.py", name, folder, arguments.threads]
            engine = EngineProcess(name, command, arguments.cores, variables)
            result["starts"].append(engine.started)
        result["difference"] = differences(engine, folder)
        if not result["difference"] <= arguments.tolerance:
            raise BenchError(f"{name}: answers differ from Keras's by {result['difference']:.1e}, more than {arguments.tolerance:.0e}")
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
    folder = prepare(arguments, network)
    results = {name: {"starts": [], "turns": [], "interruptions": 0} for name in arguments.engine}
    engines = []
    try:
        for name in arguments.engine:
            engine = start_engine(arguments, name, network, folder, variables, results[name])
            if engine is not None:
                engines.append(engine)
        for turn in range(arguments.rounds):
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
    missing = [name for name in environments.missing(arguments.environments) if name in arguments.engine]
    if missing:
        raise BenchError(f"not installed: {', '.join(missing)}; run compare.py --install first, or choose with --engine")
    variables = {"OMP_NUM_THREADS": str(arguments.threads)}
    if "fovea" in arguments.engine:
        variables["FOVEA_SHARED"] = str(environments.link_shared_library(arguments.build, arguments.out).resolve())
    load_before = os.getloadavg()[0]
    measured = {network: measure_network(arguments, network, variables) for network in arguments.network}
    facts = {"cpu": cpu_name(), "threads": arguments.threads, "rounds": arguments.rounds, "load_before": load_before,
             "peak_flops": measure_peak(arguments.build, arguments.cores)}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "measured.json").write_text(json.dumps({"facts": facts, "networks": measured}, indent=1) + "\n")
    text = report.markdown(facts, measured)
    (arguments.out / "report.md").write_text(text)
    report.plot(facts, measured, arguments.out / "latency.png")
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
