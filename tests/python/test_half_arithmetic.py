# SPDX-License-Identifier: Apache-2.0
"""A file of halves on arm64: which CPU computes with them, what that costs in exactness and takes in memory."""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

from fovea_tools.file import fovea_file, pack

ROOT = pathlib.Path(__file__).parents[2]
ARM64_BUILD = os.environ.get("FOVEA_ARM64_BUILD", "")
pytestmark = [
    pytest.mark.skipif(not shutil.which("qemu-aarch64"), reason="not installed: qemu-aarch64"),
    pytest.mark.skipif(not ARM64_BUILD, reason="FOVEA_ARM64_BUILD names no Meson build folder for arm64"),
]
DETECTORS = ("large224", "small224")
# What fovea-convert allows the golden logits of a file of halves, over what it allows one of floats.
TOLERANCE_FACTOR = 100


@pytest.fixture(name="halves", scope="module")
def half_files(tmp_path_factory):
    """The shipped detectors as files of halves."""
    folder = tmp_path_factory.mktemp("halves")
    for name in DETECTORS:
        model = fovea_file.read_fovea((ROOT / "models" / "detectors" / name / f"{name}.fovea").read_bytes())
        tensors = [tensor if tensor.packing == fovea_file.PACK_VECTOR else dataclasses.replace(
            tensor, element_type=fovea_file.F16, data=pack.stored_values(tensor).astype("<f2").tobytes())
                   for tensor in model.tensors]
        golden = dataclasses.replace(model.golden, tolerance=model.golden.tolerance * TOLERANCE_FACTOR)
        (folder / f"{name}.fovea").write_bytes(
            fovea_file.write_fovea(dataclasses.replace(model, tensors=tensors, golden=golden)))
    return folder


def fovea(cpu, *arguments):
    """The arm64 program as that CPU."""
    return subprocess.run(
        ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", str(pathlib.Path(ARM64_BUILD) / "engine" / "cli" / "fovea"),
         *map(str, arguments)], capture_output=True, text=True, check=False, env={**os.environ, "QEMU_CPU": cpu})


def plan(cpu, *arguments):
    done = fovea(cpu, "info", "--plan", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", DETECTORS)
def test_the_golden_logits_are_within_what_the_converter_allows(halves, name):
    for isa in ("neon", "neon_fp16"):
        done = fovea("cortex-a76", "selftest", halves / f"{name}.fovea", "--isa", isa)
        assert done.returncode == 0, done.stderr


def test_the_plan_says_which_arithmetic_it_is(halves):
    model = halves / "small224.fovea"
    assert "arithmetic: half precision" in plan("cortex-a76", model)
    assert "pointwise_conv_fp16_neon_fp16" in plan("cortex-a76", model)
    for text in (plan("cortex-a53", model), plan("cortex-a76", model, "--isa", "neon")):
        assert "arithmetic: float32, weights widened: no arithmetic of halves" in text
        assert "pointwise_conv_fp32_neon" in text and "_fp16_neon_fp16" not in text
    floats = ROOT / "models" / "detectors" / "small224" / "small224.fovea"
    assert "arithmetic: float32\n" in plan("cortex-a76", floats)
    refused = fovea("cortex-a53", "info", model, "--isa", "neon_fp16")
    assert refused.returncode == 2 and "neon_fp16" in refused.stderr


@pytest.mark.parametrize("name", DETECTORS)
def test_the_memory_is_little_more_than_half_of_that_of_floats(halves, name):
    model = halves / f"{name}.fovea"
    half, floats = (int(re.search(r"^workspace (\d+) bytes", plan("cortex-a76", model, *options), re.MULTILINE)[1])
                    for options in ((), ("--isa", "neon")))
    assert half <= 0.65 * floats


def test_taps_are_floats_and_near_those_of_the_widened_weights(halves, tmp_path):
    picture = tmp_path / "picture.npy"
    np.save(picture, np.random.default_rng(3).integers(0, 256, (224, 224, 3), np.uint8))
    dumps = {}
    for isa in ("neon", "neon_fp16"):
        done = fovea("cortex-a76", "run", "--model", halves / "small224.fovea", picture, "--isa", isa, "--taps", "all",
                     "--dump", tmp_path / isa)
        assert done.returncode == 0, done.stderr
        dumps[isa] = {path.name: np.load(path) for path in (tmp_path / isa).rglob("*.npy")}
    assert len(dumps["neon"]) > 50 and dumps["neon"].keys() == dumps["neon_fp16"].keys()
    different = 0
    for name, wide in dumps["neon"].items():
        narrow = dumps["neon_fp16"][name]
        assert narrow.dtype == np.float32 and narrow.shape == wide.shape
        scale = max(float(np.abs(wide).max()), 1e-6)
        assert np.sqrt(np.mean((narrow - wide) ** 2)) <= 0.02 * scale, name
        different += bool((narrow != wide).any())
    assert different > 50
