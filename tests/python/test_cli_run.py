# SPDX-License-Identifier: Apache-2.0
"""fovea run: numbers in, numbers out, tensors on request."""
import io
import json

import numpy as np
import pytest
from cli_helpers import SIDE, TinyNetwork, fovea, fovea_ok, jsonl, model, needs_binary, one_error, write_model  # noqa: F401

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary


@pytest.fixture
def pixels():
    return np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def save(path, array, version=None):
    with open(path, "wb") as file:
        np.lib.format.write_array(file, array, version=version, allow_pickle=True)
    return path


def softmax(logits):
    e = np.exp(logits - logits.max())
    return e / e.sum()


def test_the_numbers_are_the_networks(model, pixels, tmp_path):
    expected = TinyNetwork().logits(pixels)
    forms = {
        "u8": save(tmp_path / "u8.npy", pixels),
        "f4": save(tmp_path / "f4.npy", pixels.astype("<f4")),
        "batch": save(tmp_path / "batch.npy", pixels[None]),
        "v2": save(tmp_path / "v2.npy", pixels, (2, 0)),
        "v3": save(tmp_path / "v3.npy", pixels, (3, 0)),
    }
    Image.fromarray(pixels).save(tmp_path / "rgb.png")
    forms["png"] = tmp_path / "rgb.png"
    outputs = {name: fovea_ok("run", "--model", model, path) for name, path in forms.items()}
    assert len(set(outputs.values())) == 1
    result = json.loads(outputs["u8"])
    assert list(result) == ["logits", "probabilities"]
    np.testing.assert_allclose(result["logits"], expected, atol=1e-5)
    np.testing.assert_allclose(result["probabilities"], softmax(expected), atol=1e-6)
    # Full precision: each decimal is the shortest that only that float reads back as.
    for value in result["logits"] + result["probabilities"]:
        assert value == float(str(np.float32(value)))


def test_threads_change_nothing(model, pixels, tmp_path):
    path = save(tmp_path / "x.npy", pixels)
    outputs = {fovea_ok("run", "--model", model, "--threads", n, path) for n in (1, 2, 3, 4)}
    assert len(outputs) == 1


def test_floats_between_the_levels(model, tmp_path):
    values = np.random.default_rng(4).uniform(0, 255, (SIDE, SIDE, 3)).astype("<f4")
    result = json.loads(fovea_ok("run", "--model", model, save(tmp_path / "x.npy", values)))
    np.testing.assert_allclose(result["logits"], TinyNetwork().logits(values), atol=1e-5)


def test_several_inputs_give_a_line_each(tmp_path):
    model = write_model(tmp_path / "any.fovea", any_size=True)
    rng = np.random.default_rng(6)
    images = [rng.integers(0, 256, (s, s + 2, 3), dtype=np.uint8) for s in (32, 48, 48, 32)]
    paths = [save(tmp_path / f"{i}.npy", image) for i, image in enumerate(images)]
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"\x93NUMPY garbage")
    result = fovea("run", "--model", model, paths[0], paths[1], broken, paths[2], paths[3])
    one_error(result, 3, broken)
    lines = jsonl(result.stdout)
    assert [line["file"] for line in lines] == [str(p) for p in [paths[0], paths[1], broken, paths[2], paths[3]]]
    assert lines[2]["logits"] is None and lines[2]["error"]["code"] == "bad_npy"
    for line, image in zip(lines[:2] + lines[3:], images):
        np.testing.assert_allclose(line["logits"], TinyNetwork().logits(image), atol=1e-5)


def test_taps_are_the_layers_outputs(model, pixels, tmp_path):
    path = save(tmp_path / "x.npy", pixels)
    folder = tmp_path / "dump" / "deep"
    fovea_ok("run", "--model", model, path, "--taps", "block/conv,dense", "--dump", folder)
    index = json.loads((folder / "index.json").read_text())
    assert index["input"] == str(path)
    assert [tap["name"] for tap in index["taps"]] == ["block/conv", "dense"]
    conv = np.load(folder / index["taps"][0]["file"])
    assert conv.dtype == np.float32 and list(conv.shape) == index["taps"][0]["shape"] == [16, 16, 8]
    np.testing.assert_allclose(conv, TinyNetwork().features(pixels), atol=1e-5)
    np.testing.assert_allclose(np.load(folder / index["taps"][1]["file"]).ravel(), TinyNetwork().logits(pixels), atol=1e-5)


def test_all_taps_and_names_that_collide(model, pixels, tmp_path):
    path = save(tmp_path / "x.npy", pixels)
    plain = fovea_ok("run", "--model", model, path)
    assert fovea_ok("run", "--model", model, path, "--taps", "all", "--dump", tmp_path / "all") == plain
    index = json.loads((tmp_path / "all" / "index.json").read_text())
    names = [tap["name"] for tap in index["taps"]]
    # block/conv and block_conv are one node and would be one file.
    assert set(names) == {"rescaling", "block/conv", "block_conv", "mean", "dense", "softmax"}
    files = [tap["file"] for tap in index["taps"]]
    assert len(set(files)) == len(files)
    for file in files:
        assert (tmp_path / "all" / file).parent == tmp_path / "all"
    result = fovea("run", "--model", model, path, path, "--dump", tmp_path / "many")
    assert result.returncode == 0
    assert sorted(p.name for p in (tmp_path / "many").iterdir()) == ["0_x", "1_x"]


def npy_bytes(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


GOOD = npy_bytes(np.zeros((SIDE, SIDE, 3), np.uint8))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        GOOD[:40],
        GOOD[:-1],
        GOOD + b"x",
        GOOD[:6] + b"\x09" + GOOD[7:],
        GOOD.replace(b"|u1", b"|O8"),
        GOOD.replace(b"'shape'", b"'shapo'"),
        GOOD.replace(b"(32, 32, 3)", b"(32, 32, 3"),
        GOOD[:8] + b"\xff\xff" + GOOD[10:],
        npy_bytes(np.zeros((SIDE, SIDE, 3), np.float64)),
        npy_bytes(np.zeros((SIDE, SIDE, 3), ">f4")),
        npy_bytes(np.asfortranarray(np.zeros((SIDE, SIDE, 3), np.uint8))),
        npy_bytes(np.zeros((2, SIDE, SIDE, 3), np.uint8)),
        npy_bytes(np.zeros((SIDE, SIDE), np.uint8)),
        npy_bytes(np.zeros((SIDE, SIDE, 4), np.uint8)),
        npy_bytes(np.zeros((SIDE, SIDE + 1, 3), np.uint8)),
        npy_bytes(np.zeros((0, SIDE, 3), np.uint8)),
        npy_bytes(np.full((SIDE, SIDE, 3), np.nan, "<f4")),
        npy_bytes(np.full((SIDE, SIDE, 3), np.inf, "<f4")),
        npy_bytes(np.zeros((SIDE, SIDE, 3), np.uint8)).replace(b"(32, 32, 3)", b"(3, 9999999999999)"),
    ],
)
def test_garbage_is_status_3(model, tmp_path, data):
    path = tmp_path / "bad.npy"
    path.write_bytes(data)
    result = fovea("run", "--model", model, path)
    one_error(result, 3, path)
    assert result.stdout == ""


def test_inputs_whose_results_are_no_numbers_are_named_and_the_others_go_on(pixels, tmp_path):
    network = TinyNetwork()
    network.kernel *= 1e3  # sums of what is far out go beyond the largest float
    model = write_model(tmp_path / "loud.fovea", network=network, golden=False)
    far = np.where((np.arange(SIDE * SIDE * 3) % 2).reshape(SIDE, SIDE, 3), -3e38, 0)
    paths = [save(tmp_path / "0.npy", pixels), save(tmp_path / "far.npy", far.astype("<f4")), save(tmp_path / "2.npy", pixels)]
    result = fovea("run", "--model", model, *paths)
    assert result.returncode == 3
    warning, error = result.stderr.splitlines()
    assert "warning: " in warning and "far.npy" in error and "not finite numbers: the input goes from -3e+38 to 0, pixels are from 0 to 255" in error
    first, second, third = jsonl(result.stdout)
    assert second["logits"] is None and second["probabilities"] is None and second["error"]["code"] == "not_finite"
    assert first["logits"] == third["logits"] is not None
    result = fovea("run", "--model", model, paths[1], "--dump", tmp_path / "dump")
    assert result.returncode == 3 and result.stdout == "" and not (tmp_path / "dump").exists()


def test_a_picture_of_another_size_is_named(model, pixels, tmp_path):
    Image.fromarray(pixels[:16]).save(tmp_path / "small.png")
    one_error(fovea("run", "--model", model, tmp_path / "small.png"), 3, "small.png", "16x32")
    one_error(fovea("run", "--model", model, "--size", "8x8", tmp_path / "small.png"), 3, "small.png", "8x8")
    one_error(fovea("run", "--model", model, tmp_path / "lost.npy"), 3, "lost.npy", "no such file")
    one_error(fovea("run", "--model", model, tmp_path), 3, "folder")


NO_PIXELS = {
    "rescaled": (np.linspace(0, 1, SIDE * SIDE * 3), "from 0 to 1, as if they were rescaled already"),
    "rescaled to 2": (np.linspace(0, 2, SIDE * SIDE * 3), "from 0 to 2, as if they were rescaled already"),
    "rescaled to 16": (np.linspace(0, 16, SIDE * SIDE * 3), "from 0 to 16, as if they were rescaled already"),
    "centred": (np.linspace(-1, 1, SIDE * SIDE * 3), "from -1 to 1, as if they were rescaled already"),
    "standardized": (np.linspace(-2.5, 2.5, SIDE * SIDE * 3), "from -2.5 to 2.5, as if they were rescaled already"),
    "mean taken away": (np.linspace(-123, 151, SIDE * SIDE * 3), "from -123 to 151; "),
    "16 bits": (np.linspace(0, 65535, SIDE * SIDE * 3), "from 0 to 65535; "),
    "one above": (np.r_[np.zeros(SIDE * SIDE * 3 - 1), 256], "from 0 to 256; "),
    "one below": (np.r_[np.full(SIDE * SIDE * 3 - 1, 100), -1], "from -1 to 100; "),
}


@pytest.mark.parametrize("name", NO_PIXELS)
def test_values_that_cannot_be_pixels_bring_a_warning(model, tmp_path, name):
    values, words = NO_PIXELS[name]
    values = values.astype("<f4").reshape(SIDE, SIDE, 3)
    path = save(tmp_path / "x.npy", values)
    result = fovea("run", "--model", model, path)
    one_error(result, 0, path, "warning: ", words, "0 to 255")
    np.testing.assert_allclose(json.loads(result.stdout)["logits"], TinyNetwork().logits(values), rtol=1e-5, atol=1e-4)


def test_bytes_of_zeros_and_ones_bring_a_warning(model, pixels, tmp_path):
    one_error(fovea("run", "--model", model, save(tmp_path / "x.npy", pixels // 128)), 0, "from 0 to 1")


def test_each_input_of_several_is_warned_of(model, pixels, tmp_path):
    paths = [save(tmp_path / f"{i}.npy", values) for i, values in enumerate([pixels, (pixels / 255).astype("<f4"), pixels])]
    one_error(fovea("run", "--model", model, *paths), 0, paths[1], "warning: ")


DARK = (np.arange(SIDE * SIDE * 3) % 3).reshape(SIDE, SIDE, 3)


@pytest.mark.parametrize("values", [np.zeros((SIDE, SIDE, 3), "<f4"), DARK.astype("<f4"), DARK.astype("u1"), np.linspace(0, 255, SIDE * SIDE * 3).astype("<f4").reshape(SIDE, SIDE, 3)])
def test_pixels_bring_no_warning(model, tmp_path, values):
    assert fovea("run", "--model", model, save(tmp_path / "x.npy", values)).stderr == ""
