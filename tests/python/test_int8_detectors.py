# SPDX-License-Identifier: Apache-2.0
"""The shipped detectors of 8-bit codes: on this CPU, whatever it is, the bits that their files hold; near the floats they were made of."""
import json

import numpy as np
import pytest
from cli_helpers import ROOT, SAMPLES, fovea_ok, needs_binary

pytestmark = needs_binary
DETECTORS = ROOT / "models" / "detectors"
NAMES = ("large224", "small224")


@pytest.mark.parametrize("name", NAMES)
def test_this_cpu_gives_the_bits_that_the_file_holds(name):
    model = DETECTORS / name / f"{name}_int8.fovea"
    sets = fovea_ok("kernels").splitlines()[0].split(": ")[1].replace(",", " ").split()
    assert "scalar" in sets
    for options in ([], ["--threads", "3"], *(["--isa", one] for one in sets)):
        assert "2 golden vectors, largest logit difference 0\n" in fovea_ok("selftest", *options, model)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_file_says_of_itself(name):
    model = DETECTORS / name / f"{name}_int8.fovea"
    floats = json.loads(fovea_ok("info", "--json", model.with_name(f"{name}.fovea")))
    codes = json.loads(fovea_ok("info", "--json", model))
    assert codes["dtype"] == "int8" and codes["operating_points"] == floats["operating_points"]
    assert codes["file_bytes"] < 0.4 * floats["file_bytes"]  # statistics of typical photos are no smaller
    plan = fovea_ok("info", "--plan", model)
    assert "arithmetic: codes of 8 and 16 bits" in plan
    kernels = [line for line in plan.splitlines() if "multiply-adds" not in line]
    assert sum("u8s8" in line for line in kernels) > 20 and sum("s16s8" in line for line in kernels) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_photos_are_judged_as_by_the_floats(name, tmp_path):
    """Three photos say little; that 99 in 100 are judged alike is in the card."""
    pictures = []
    for sample in SAMPLES:
        pictures.append(tmp_path / f"{sample.stem}.png")
        fovea_ok("preprocess", "--model", DETECTORS / name / f"{name}.fovea", sample, pictures[-1])
    margins = []
    for model in (f"{name}.fovea", f"{name}_int8.fovea"):
        lines = fovea_ok("run", "--model", DETECTORS / name / model, *pictures).splitlines()
        logits = np.array([json.loads(line)["logits"] for line in lines])
        margins.append(logits[:, 1] - logits[:, 0])
    assert np.abs(margins[0] - margins[1]).max() < 0.3, margins


@pytest.mark.parametrize("name", NAMES)
def test_photos_are_as_typical_as_to_the_floats(name):
    shares = []
    for model in (f"{name}.fovea", f"{name}_int8.fovea"):
        lines = fovea_ok("screen", "--format", "jsonl", "--model", DETECTORS / name / model, *SAMPLES).splitlines()
        typicalities = [json.loads(line)["typicality"] for line in lines]
        assert all(typicality["verdict"] == "typical" for typicality in typicalities)
        shares.append(np.array([typicality["percentile"] for typicality in typicalities]))
    assert len(shares[0]) == len(SAMPLES) and np.abs(shares[0] - shares[1]).max() < 10, shares
