# SPDX-License-Identifier: Apache-2.0
"""The counter of arm64 instructions: it counts exactly, finds the layers, and says what is wrong."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BENCH = ROOT / "bench" / "arm_instructions"
MODEL = ROOT / "models" / "detectors" / "small224" / "small224.fovea"
sys.path.insert(0, str(BENCH))
import count  # noqa: E402
import emulation  # noqa: E402

MISSING = [tool for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-c++filt", "cc") if not shutil.which(tool)]
needs_emulator = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
ARM64_BUILD = os.environ.get("FOVEA_ARM64_BUILD", "")
needs_arm64_build = pytest.mark.skipif(not ARM64_BUILD, reason="FOVEA_ARM64_BUILD names no Meson build folder for arm64")

KNOWN_LOOP = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
int main(int argc, char** argv) {
    const int file = open(argv[1], O_RDONLY);
    const volatile uint64_t* counter = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    uint64_t taken[2];
    for (int i = 0; i < 2; ++i) {
        uint64_t rounds = strtoul(argv[2 + i], 0, 10);
        const uint64_t start = *counter;
        __asm__ volatile("1: nop\n subs %0, %0, #1\n b.ne 1b" : "+r"(rounds) : : "cc");
        taken[i] = *counter - start;
    }
    printf("%lu", (unsigned long)(taken[1] - taken[0]));
    return argc != 4;
}
"""


def run_count(*arguments):
    return subprocess.run([sys.executable, BENCH / "count.py", *map(str, arguments)], capture_output=True, text=True, timeout=600)


@needs_emulator
def test_a_known_loop_is_counted_exactly(tmp_path):
    source = tmp_path / "loop.c"
    source.write_text(KNOWN_LOOP)
    program = tmp_path / "loop"
    subprocess.run(["aarch64-linux-gnu-gcc", "-O1", source, "-o", program], check=True)
    emulator = emulation.Emulator(tmp_path, emulation.build_plugin(tmp_path))
    assert int(emulator.run([program, emulator.counter, "1000", "51000"], "cortex-a53")) == 3 * 50000


@needs_emulator
@needs_arm64_build
def test_the_layers_add_up_to_the_inference(tmp_path):
    counts = tmp_path / "counts.json"
    done = run_count("--build", ARM64_BUILD, "--cpu", "cortex-a53", "--layers", "--hot", "3", "--json", counts, MODEL)
    assert done.returncode == 0, done.stderr
    result, = json.loads(counts.read_text())["results"]
    assert result["two_n_runs"] == pytest.approx(2 * result["n_runs"], rel=1e-4)
    assert result["isa"] == "neon" and result["network"] == "small224"
    assert result["multiply_adds"] / 4 < result["per_inference"] < 10 * result["multiply_adds"]
    assert sum(step["instructions"] for step in result["steps"]) == pytest.approx(result["per_inference"], rel=0.005)
    assert sum(step["multiply_adds"] for step in result["steps"]) == result["multiply_adds"]
    assert "% multiply-add" in result["hot"] and "fmla" in result["hot"]
    for step in result["steps"]:
        assert step["name"] in done.stdout

    again = run_count("--build", ARM64_BUILD, "--cpu", "cortex-a53", "--layers", "--against", counts, MODEL)
    assert again.returncode == 0, again.stderr
    assert "before" in again.stdout and "(+0.0 %)" in again.stdout


@needs_emulator
def test_wrong_use_is_named(tmp_path):
    assert run_count().returncode == 2
    gone = run_count(tmp_path / "gone.fovea")
    assert gone.returncode == 1 and "gone.fovea: no such file" in gone.stderr
    unbuilt = run_count("--build", tmp_path, MODEL)
    assert unbuilt.returncode == 1 and "libfovea.a is missing" in unbuilt.stderr
    no_counts = run_count("--against", MODEL, MODEL)
    assert no_counts.returncode == 1 and "small224.fovea: no file that --json wrote" in no_counts.stderr
    for done in (gone, unbuilt, no_counts):
        assert "Traceback" not in done.stderr


def test_aims_are_found_by_the_files_name():
    assert count.network_of(pathlib.Path("x/large512.fovea")) == "large512"
    assert count.network_of(pathlib.Path("small224_fp16.fovea")) == "small224"
    assert count.AIMS[count.network_of(pathlib.Path("large512.fovea")), "fp32"]["cortex-a53"][0] == 350


def test_kinds_of_instruction():
    kinds = {"fmla v1.4s, v2.4s, v3.s[0]": "multiply-add", "ldp q0, q1, [x0]": "load", "st1 {v0.4s}, [x1]": "store",
             "b.ne #0x400000": "branch", "b #0x40": "branch", "mov v1.16b, v2.16b": "other vector", "dup v1.4s, w0": "other vector",
             "mov x0, x1": "other", "add x0, x0, #8": "other", "bic w0, w1, w2": "other"}
    assert {text: count.kind_of(text) for text in kinds} == kinds


def run_peers(*arguments):
    return subprocess.run([sys.executable, BENCH / "peers.py", *map(str, arguments)], capture_output=True, text=True, timeout=3000)


@needs_emulator
def test_wrong_use_of_the_peers_count_is_named(tmp_path):
    assert run_peers("--engine", "none").returncode == 2
    nothing = run_peers("--work", tmp_path)
    assert nothing.returncode == 1 and "no network given" in nothing.stderr
    uninstalled = run_peers("--work", tmp_path, tmp_path)
    assert uninstalled.returncode == 1 and "run peers.py --install first" in uninstalled.stderr
    (tmp_path / "installed").write_text("")
    no_network = run_peers("--work", tmp_path, tmp_path)
    assert no_network.returncode == 1 and "no folder that bench/peers/compare.py made" in no_network.stderr


ARM_PEERS, PEERS = os.environ.get("FOVEA_ARM_PEERS", ""), os.environ.get("FOVEA_PEERS", "")


@needs_emulator
@pytest.mark.skipif(not (ARM_PEERS and PEERS), reason="FOVEA_ARM_PEERS (a folder of arm_instructions/peers.py --install) or "
                    "FOVEA_PEERS (a folder of peers/compare.py that has measured small224) is not set")
def test_another_engine_is_counted():
    done = run_peers("--work", ARM_PEERS, "--engine", "ncnn", "--cpu", "cortex-a53", pathlib.Path(PEERS) / "networks" / "small224")
    assert done.returncode == 0, done.stdout + done.stderr
    row, = (line for line in done.stdout.splitlines() if line.startswith("| small224"))
    assert 14 < float(row.split("|")[5]) < 100  # million; 13.8 is the bound by multiply-adds alone
