# SPDX-License-Identifier: Apache-2.0
"""info, selftest, kernels, and every way in which a model can be bad."""
import dataclasses
import hashlib
import json
import pathlib
import struct

import pytest
from cli_helpers import (  # noqa: F401
    ROOT, SAMPLES, TinyNetwork, fovea, fovea_file, fovea_ok, model, needs_binary, one_error, tiny_model, write_model,
)

pytestmark = needs_binary


def test_info_tells_the_model(model):
    facts = json.loads(fovea_ok("info", "--json", model))
    assert facts["name"] == "tiny"
    assert facts["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert facts["file_bytes"] == model.stat().st_size
    assert (facts["dtype"], facts["target"], facts["preset"]) == ("fp32", "any_dr", "kaggle_ben_color")
    assert facts["preprocessing"] == {
        "preset": "kaggle_ben_color", "sigma": 10.0, "tolerance": 7, "circle_mask": True, "gray_swapped": False, "pad_square": False,
        "resize": "cv_linear", "scaled_decoding": 0,
    }
    assert facts["classes"] == ["no_dr", "dr"]
    assert facts["input"] == [32, 32, 3]
    assert facts["temperature"] == 1.5
    assert facts["operating_points"] == [
        {"name": "balanced", "threshold": 0.5, "default": True},
        {"name": "sensitive", "threshold": 0.001, "default": False},
        {"name": "specific", "threshold": 0.999, "default": False},
    ]
    assert facts["golden_vectors"] == 2
    assert facts["provenance"]["source_framework"] == "numpy"
    assert facts["run"]["workspace_bytes"] > 0
    # 16 * 16 outputs of 3 * 3 * 3 products in 8 channels, and the dense layer's
    assert facts["run"]["multiply_adds"] >= 16 * 16 * 27 * 8 + 16


def test_info_for_people(model):
    text = fovea_ok("info", model)
    for part in ("tiny", "any_dr", "kaggle_ben_color, sigma 10.0, tolerance 7, circle_mask, resize cv_linear\n", "no_dr, dr", "balanced", "32 x 32 x 3", "workspace"):
        assert part in text
    assert "block/conv" in fovea_ok("info", "--taps", model)


def test_the_plan_follows_the_size(tmp_path):
    model = write_model(tmp_path / "any.fovea", any_size=True)
    small = json.loads(fovea_ok("info", "--json", "--plan", "--size", "32", model))
    large = json.loads(fovea_ok("info", "--json", "--plan", "--size", "64x96", model))
    assert small["input"] == [0, 0, 3] and large["run"]["input"] == [64, 96, 3]
    assert large["run"]["workspace_bytes"] > small["run"]["workspace_bytes"]
    assert small["plan"] and large["plan"] and small["plan"] != large["plan"]
    assert any("conv" in line for line in small["plan"])


@pytest.mark.parametrize("detector, mebibytes", [("large224", 0.8), ("small224", 0.6)])
def test_the_detectors_work_in_little_memory(detector, mebibytes):
    model = ROOT / "models" / "detectors" / detector / f"{detector}.fovea"
    facts = json.loads(fovea_ok("info", "--json", model))
    assert facts["run"]["workspace_bytes"] <= mebibytes * 2**20


def test_selftest_passes_and_fails(tmp_path):
    assert "passed" in fovea_ok("selftest", write_model(tmp_path / "good.fovea"))
    one_error(fovea("selftest", write_model(tmp_path / "off.fovea", golden_error=0.01)), 5, "off.fovea")
    one_error(fovea("selftest", write_model(tmp_path / "none.fovea", golden=False)), 4, "none.fovea")


def test_kernels_lists_each_operation_once_chosen():
    rows = [line.split() for line in fovea_ok("kernels").splitlines()[1:]]
    operations = {row[0] for row in rows}
    assert len(operations) >= 5
    chosen = [row[0] for row in rows if row[2] == "chosen"]
    assert len(chosen) >= len(operations)
    scalar = fovea_ok("kernels", "--isa", "scalar")
    for line in scalar.splitlines()[1:]:
        if line.endswith(" chosen"):
            assert "scalar" in line, line


def broken_models():
    good = fovea_file.write_fovea(tiny_model())
    yield "empty", b""
    yield "text", b"This is not a model.\n" * 10
    yield "photo", SAMPLES[0].read_bytes()
    yield "magic only", good[:8]
    yield "header only", good[:64]
    yield "half", good[: len(good) // 2]
    yield "one byte short", good[:-1]
    yield "one byte more", good + b"\0"
    yield "flipped weight", good[:-5] + bytes([good[-5] ^ 1]) + good[-4:]
    yield "zeros", bytes(len(good))
    yield "future version", good[:8] + struct.pack("<I", 2) + good[12:]


BROKEN = dict(broken_models())


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_status_4(tmp_path, name):
    path = tmp_path / "broken.fovea"
    path.write_bytes(BROKEN[name])
    for arguments in (["info", path], ["selftest", path], ["screen", "--model", path, SAMPLES[0]], ["run", "--model", path, SAMPLES[0]],
                      ["preprocess", "--model", path, SAMPLES[0], tmp_path / "out.png"]):
        result = fovea(*arguments)
        one_error(result, 4, path)
        assert result.stdout == ""
    assert not (tmp_path / "out.png").exists()


def test_a_model_that_is_no_file_is_status_4(tmp_path):
    one_error(fovea("info", tmp_path / "lost.fovea"), 4, "lost.fovea")
    one_error(fovea("info", tmp_path), 4, tmp_path)
    one_error(fovea("info", "/dev/null"), 4, "/dev/null")


def test_a_model_with_nan_weights_is_status_4(tmp_path):
    network = TinyNetwork()
    whole = tiny_model(network)
    tensor = whole.tensors[2]
    damaged = struct.pack("<f", float("nan")) + tensor.data[4:]
    whole.tensors[2] = dataclasses.replace(tensor, data=damaged)
    path = tmp_path / "nan.fovea"
    path.write_bytes(fovea_file.write_fovea(whole))
    for arguments in (["info", path], ["screen", "--model", path, SAMPLES[0]], ["run", "--model", path, SAMPLES[0]]):
        one_error(fovea(*arguments), 4, path)


def test_a_model_that_is_no_detector_does_not_screen(tmp_path):
    path = write_model(tmp_path / "other.fovea", target="other")
    one_error(fovea("screen", "--model", path, SAMPLES[0]), 4, "other.fovea", "fovea run")
    assert pathlib.Path(path).exists()
