# SPDX-License-Identifier: Apache-2.0
"""Weights in half precision: which tensors, which values, what is refused, and what it costs in exactness."""
import json
import subprocess

import numpy as np
import pytest
from conftest import convert_to_model, fovea_convert, tiny_layers, tiny_weights, write_h5

from rounding_noise import DEVIATIONS, deviation

from fovea_tools.file import fovea_file, pack

HALF = ("--dtype", "fp16")
LABELS = ("--labels", "no_dr,dr")


def test_weights_are_the_nearest_halves_and_vectors_stay_floats(tmp_path):
    source = write_h5(tmp_path / "tiny.h5")
    floats, halves = (convert_to_model(source, tmp_path / "m.fovea", *LABELS, *options) for options in ((), HALF))
    assert len(floats.tensors) == len(halves.tensors)
    stored = {fovea_file.F32: 0, fovea_file.F16: 0}
    for wide, narrow in zip(floats.tensors, halves.tensors):
        assert (wide.packing, wide.dimensions) == (narrow.packing, narrow.dimensions)
        is_vector = wide.packing == fovea_file.PACK_VECTOR
        assert narrow.element_type == (fovea_file.F32 if is_vector else fovea_file.F16)
        values = pack.stored_values(wide)
        np.testing.assert_array_equal(pack.stored_values(narrow), values if is_vector else values.astype(np.float16))
        stored[narrow.element_type] += 1
    assert all(stored.values())
    assert (floats.nodes, floats.names, floats.provenance) == (halves.nodes, halves.names, halves.provenance)


@pytest.mark.parametrize("value,status", [(65504.0, 0), (65519.0, 0), (65520.0, 4), (1e30, 4)])
def test_a_weight_that_half_precision_has_not_is_refused(tmp_path, capsys, value, status):
    weights = tiny_weights()
    weights["dense"]["kernel"] = np.full_like(weights["dense"]["kernel"], value)
    source = write_h5(tmp_path / "m.h5", tiny_layers(), weights)
    assert fovea_convert(source, tmp_path / "m.fovea", *LABELS, *HALF) == status
    said = capsys.readouterr().err
    assert status == 0 or ("'dense'" in said and "float16" in said)
    assert fovea_convert(source, tmp_path / "m.fovea", *LABELS) == 0


def test_the_program_says_what_the_file_holds_and_runs_it(tmp_path, fovea_run):
    source = write_h5(tmp_path / "tiny.h5")
    convert_to_model(source, tmp_path / "fp32.fovea")
    convert_to_model(source, tmp_path / "fp16.fovea", *LABELS, *HALF)
    side = 8
    picture = np.random.default_rng(2).integers(0, 256, (side, side, 3), np.uint8)
    wide, narrow = (fovea_run(tmp_path / f"{name}.fovea", picture)[0] for name in ("fp32", "fp16"))
    def run(data):
        (tmp_path / "moved.fovea").write_bytes(data)
        return np.array([fovea_run(tmp_path / "moved.fovea", picture)[0]])

    noise = deviation((tmp_path / "fp32.fovea").read_bytes(), run, wide)
    assert np.abs(narrow - wide).max() <= DEVIATIONS * noise
    assert (wide != narrow).any()


def test_info_names_the_type(tmp_path, fovea_binary):
    import subprocess

    source = write_h5(tmp_path / "tiny.h5")
    for name, options in (("fp32", ()), ("fp16", HALF)):
        convert_to_model(source, tmp_path / "m.fovea", *LABELS, *options)
        done = subprocess.run([fovea_binary, "info", "--json", str(tmp_path / "m.fovea")], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["dtype"] == name


@pytest.mark.parametrize("model", ["small224/model.h5", "large512/model.h5"])
def test_logits_are_near_keras(fovea_data, fovea_run, tmp_path, model):
    image = pytest.importorskip("PIL.Image")
    folder = fovea_data / "golden" / "models" / model.split("/")[0]
    convert_to_model(fovea_data / "golden" / "models" / model, tmp_path / "m.fovea", *LABELS, *HALF)
    photos = json.loads((folder / "outputs.json").read_text())["photos"]
    expected = np.array([photo["logits"] for photo in photos])
    pictures = [np.asarray(image.open(folder / photo["file"]).convert("RGB")) for photo in photos]

    def run(data):
        (tmp_path / "moved.fovea").write_bytes(data)
        return np.array([fovea_run(tmp_path / "moved.fovea", picture)[0] for picture in pictures])

    convert_to_model(fovea_data / "golden" / "models" / model, tmp_path / "fp32.fovea", *LABELS)
    noise = deviation((tmp_path / "fp32.fovea").read_bytes(), run, expected)
    errors = np.abs(run((tmp_path / "m.fovea").read_bytes()) - expected).max(axis=1)
    assert (errors <= DEVIATIONS * noise).all(), errors / noise
