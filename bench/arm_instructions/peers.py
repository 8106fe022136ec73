#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count the arm64 instructions of one inference in the other engines' own arm64 builds.

The engines are their arm64 packages of PyPI, in a Python of Debian's for arm64, under the emulator and the plugin of count.py. A
network is a folder that bench/peers/compare.py made (build/peers/networks/NAME). OpenVINO is left out: it is not among
the engines that anyone puts on a phone. Expect minutes for each count.

examples:
    python bench/arm_instructions/peers.py --install
    python bench/arm_instructions/peers.py build/peers/networks/small224
    python bench/arm_instructions/peers.py --engine ncnn --cpu cortex-a76 --fp16 build/peers/networks/large512
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import emulation
from count import millions, table
from emulation import BenchError, run_checked

PEERS = emulation.ROOT / "bench" / "peers"
ENGINES = ("onnxruntime", "litert", "ncnn", "mnn")
DEBIAN_PACKAGES = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6", "libgomp1")
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in (17, 24, 26, 27, 28, 31, 34)] + ["manylinux2014_aarch64"]
# What an ARM machine's /proc/cpuinfo says; the engines choose kernels by it, and some crash on the one of this machine, which the
# emulator would show them.
CPU_PARTS = {"cortex-a53": "0xd03", "cortex-a55": "0xd05", "cortex-a57": "0xd07", "cortex-a72": "0xd08", "cortex-a76": "0xd0b"}
BASE_FEATURES = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
V8_2_FEATURES = " atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"


def write_cpuinfo(system, cpu):
    """The emulator looks for /proc/cpuinfo in the folder of its libraries first."""
    features = BASE_FEATURES + (V8_2_FEATURES if cpu in ("cortex-a55", "cortex-a76") else "")
    (system / "proc").mkdir(exist_ok=True)
    (system / "proc" / "cpuinfo").write_text("".join(
        f"processor\t: {core}\nBogoMIPS\t: 100.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: 0x0\nCPU part\t: {CPU_PARTS[cpu]}\nCPU revision\t: 4\n\n" for core in range(os.cpu_count() or 1)))


def install(folder):
    """A tree of Debian's arm64 packages, unpacked and not installed, and the engines' arm64 wheels."""
    system, site, apt = folder / "system", folder / "site", folder / "apt"
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    # apt with a state of its own: what is installed on this machine is neither asked nor changed.
    options = ["-o", f"Dir::State={apt}/state", "-o", f"Dir::Cache={apt}/cache", "-o", f"Dir::State::status={apt}/status",
               "-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64", "-o", "Debug::NoLocking=true"]
    run_checked(["apt-get", *options, "update"], "Debian's list of arm64 packages")
    run_checked(["apt-get", *options, "--yes", "--no-install-recommends", "--download-only", "install", *DEBIAN_PACKAGES],
                "Debian's arm64 packages")
    system.mkdir(exist_ok=True)
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        run_checked(["dpkg-deb", "-x", package, system], package.name)
    requirements = [line for engine in ENGINES for line in (PEERS / "requirements" / f"{engine}.txt").read_text().splitlines()
                    if line and not line.startswith(("#", "pnnx"))]
    wheels = folder / "wheels"
    run_checked([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", wheels, "--only-binary",
                 ":all:", "--python-version", "3.11", "--implementation", "cp",
                 *(part for platform in PLATFORMS for part in ("--platform", platform)), *requirements], "the engines' arm64 packages")
    for wheel in sorted(wheels.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(site)
    (folder / "installed").write_text("")


def count_engine(emulator, folder, name, network, cpu, fp16, timeout):
    """What runner.py says: its start, the first picture's probabilities, the counts."""
    python = folder / "system" / "usr" / "bin" / "python3.11"
    command = [emulator.qemu, "-cpu", cpu, "-L", emulator.libraries, "-plugin", f"file={emulator.plugin},counter={emulator.counter}",
               # Without the site module, which would look for packages of this machine.
               python, "-S", PEERS / "runner.py", name, network, "1"]
    emulator.counter.write_bytes(bytes(4096))
    write_cpuinfo(folder / "system", cpu)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder / "site"), "OMP_NUM_THREADS": "1",
                   "FOVEA_COUNTER": str(emulator.counter), "FOVEA_PEER_FP16": "1" if fp16 else "0"}
    done = subprocess.run([str(part) for part in command], input="check 1\ncount 1\n", capture_output=True, text=True, env=environment,
                          timeout=timeout)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if answers and "error" in answers[-1]:
        raise BenchError(answers[-1]["error"])
    if done.returncode != 0 or len(answers) != 3:
        raise BenchError(f"exit status {done.returncode}: {done.stderr.strip().splitlines()[-1:] or 'no message'}")
    start, check, counts = answers
    return {"version": start["version"], "probabilities": check["probabilities"][0],
            "per_inference": (counts["two_n_runs"] - counts["n_runs"]) / counts["runs"]}


def expected_probabilities(network):
    import numpy as np

    with np.load(network / "expected.npz") as expected:
        return expected["probabilities"][0].tolist()


def measure(arguments):
    folder = arguments.work.resolve()
    if arguments.install:
        folder.mkdir(parents=True, exist_ok=True)
        install(folder)
    elif not arguments.networks:
        raise BenchError("no network given; see --help")
    if arguments.networks and not (folder / "installed").is_file():
        raise BenchError(f"{folder}: nothing installed; run peers.py --install first")
    rows, failed = [], False
    tolerance = 1e-2 if arguments.fp16 else 1e-4
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        emulator = emulation.Emulator(scratch, emulation.build_plugin(scratch), folder / "system")
        for network in arguments.networks:
            if not (network / "expected.npz").is_file():
                raise BenchError(f"{network}: no folder that bench/peers/compare.py made")
            expected = expected_probabilities(network)
            for name in arguments.engine or ENGINES:
                for cpu in arguments.cpu or ("cortex-a53", "cortex-a76"):
                    print(f"{network.name}, {name} as {cpu} ...", file=sys.stderr)
                    try:
                        result = count_engine(emulator, folder, name, network.resolve(), cpu, arguments.fp16, arguments.timeout)
                        difference = max(abs(a - b) for a, b in zip(result["probabilities"], expected))
                        if not difference <= tolerance:
                            raise BenchError(f"its answer differs from Keras's by {difference:.1e}")
                        rows.append([network.name, f"{name} {result['version']}", cpu, "fp16" if arguments.fp16 else "fp32",
                                     millions(result["per_inference"]), f"{difference:.0e}"])
                    except (BenchError, subprocess.TimeoutExpired) as error:
                        failed = True
                        rows.append([network.name, name, cpu, "", "not counted: " + str(error).splitlines()[0][:100], ""])
    if rows:
        print(table(["network", "engine", "CPU", "type", "M instructions", "difference from Keras"], rows))
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", type=pathlib.Path, metavar="FOLDER", help="of one network, as compare.py makes it")
    parser.add_argument("--install", action="store_true", help="fetch the arm64 Python and engines from Debian and PyPI")
    parser.add_argument("--work", type=pathlib.Path, default=emulation.ROOT / "build" / "arm-peers", metavar="DIR",
                        help="where they are (default: build/arm-peers)")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only this one; may be given again")
    parser.add_argument("--cpu", action="append", choices=CPU_PARTS,
                        help="emulated CPU, may be given again (default: cortex-a53, cortex-a76)")
    parser.add_argument("--fp16", action="store_true", help="let ncnn and MNN compute in half precision, where the CPU has it")
    parser.add_argument("--timeout", type=int, default=3600, metavar="S", help="for one count (default: 3600)")
    try:
        return measure(parser.parse_args())
    except (BenchError, OSError) as error:
        print(f"peers.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
