# SPDX-License-Identifier: Apache-2.0
"""Maps made pictures: against NumPy and OpenCV, and where they lie on the photo."""
import json

import numpy as np
import pytest
from cli_helpers import ROOT, SAMPLES, fovea, fovea_ok, needs_binary, one_error
from PIL import Image

cv2 = pytest.importorskip("cv2")
pytestmark = needs_binary
MODEL = ROOT / "tests" / "golden" / "data" / "networks" / "small96" / "model.fovea"


def picture(path):
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def network_input(tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / "network.png"
    fovea_ok("preprocess", "--model", MODEL, SAMPLES[0], path)
    return path


def scaled(values, percentile):
    least, most = values.min(), np.percentile(values, percentile)
    return np.clip((values - least) / (most - least), 0, 1)


REDUCTIONS = {"max": lambda g: np.abs(g).max(2), "sum": lambda g: np.abs(g).sum(2), "l2": lambda g: np.sqrt((g * g).sum(2))}


@pytest.mark.parametrize("reduce", sorted(REDUCTIONS))
@pytest.mark.parametrize("options, percentile, masked", [([], 99, True), (["--percentile", "100", "--no-mask"], 100, False), (["--percentile", "37.5"], 37.5, True)])
def test_the_map_is_reduced_masked_and_scaled(network_input, reduce, options, percentile, masked, tmp_path):
    fovea_ok("explain", "-m", MODEL, "--as-is", network_input, "--raw", tmp_path / "raw.npy", "--map", tmp_path / "map.png", "--reduce", reduce, *options)
    values = REDUCTIONS[reduce](np.load(tmp_path / "raw.npy").astype(np.float64))
    black = (picture(network_input) == 0).all(2)
    assert 0.05 < black.mean() < 0.9
    if masked:
        values[black] = 0
    made = picture(tmp_path / "map.png")[..., 0].astype(int)
    # A value in the middle between two grey levels may go to either.
    difference = np.abs(made - np.rint(255 * scaled(values, percentile)))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.001


@pytest.mark.parametrize("colors, code", [("jet", cv2.COLORMAP_JET), ("viridis", cv2.COLORMAP_VIRIDIS)])
@pytest.mark.parametrize("opacity, fade", [(1, False), (0.4, False), (0.7, True)])
def test_colours_over_the_picture_are_those_of_opencv(network_input, colors, code, opacity, fade, tmp_path):
    options = ["--colors", colors, "--opacity", opacity] + (["--fade"] if fade else [])
    fovea_ok("explain", "-m", MODEL, "--as-is", network_input, "--raw", tmp_path / "raw.npy", "--overlay", tmp_path / "over.png", *options)
    below = picture(network_input)
    values = REDUCTIONS["max"](np.load(tmp_path / "raw.npy").astype(np.float64))
    values[(below == 0).all(2)] = 0
    values = scaled(values, 99)
    above = cv2.applyColorMap(np.rint(values * 255).astype(np.uint8), code)[..., ::-1]
    alpha = (opacity * values if fade else np.full_like(values, opacity))[..., None]
    difference = np.abs(picture(tmp_path / "over.png").astype(int) - np.rint((1 - alpha) * below + alpha * above))
    assert (difference > 0).mean() < 0.002


def test_every_colour_is_opencvs(tmp_path):
    """All 256 of each table, by maps that have every grey level."""
    levels = np.arange(256, dtype=np.uint8)
    for colors, code in (("jet", cv2.COLORMAP_JET), ("viridis", cv2.COLORMAP_VIRIDIS)):
        seen = set()
        for seed in range(3):
            noise = np.random.default_rng(seed).integers(1, 256, (96, 96, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / "noise.png")
            fovea_ok("explain", "-m", MODEL, "--as-is", tmp_path / "noise.png", "--map", tmp_path / "map.png", "--overlay",
                     tmp_path / "over.png", "--opacity", "1", "--colors", colors, "--percentile", "90")
            grey, made = picture(tmp_path / "map.png")[..., 0], picture(tmp_path / "over.png")
            expected = cv2.applyColorMap(levels[:, None], code)[:, 0, ::-1][grey]
            assert np.array_equal(made, expected)
            seen |= set(np.unique(grey).tolist())
        assert seen == set(range(256))


def test_the_map_lies_on_the_photo_where_the_crop_was(tmp_path):
    """A photo inside a black frame: the area that the map shows moves with it, and nothing outside changes."""
    photo = picture(SAMPLES[1])
    framed = np.zeros((photo.shape[0] + 90, photo.shape[1] + 200, 3), np.uint8)
    framed[30 : 30 + photo.shape[0], 150 : 150 + photo.shape[1]] = photo
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(framed).save(tmp_path / "framed.png")
    areas, overlays = [], []
    for name in ("photo", "framed"):
        told = json.loads(fovea_ok("explain", "-m", MODEL, tmp_path / f"{name}.png", "--overlay", tmp_path / "over.png", "--raw", tmp_path / f"{name}.npy"))
        areas.append(told["photo_area"])
        overlays.append(picture(tmp_path / "over.png"))
    assert np.array_equal(np.load(tmp_path / "photo.npy"), np.load(tmp_path / "framed.npy"))
    assert areas[1] == [areas[0][0] + 150, areas[0][1] + 30, *areas[0][2:]]
    x, y, width, height = (int(side) for side in areas[1])
    outside = np.ones(framed.shape[:2], bool)
    outside[y : y + height, x : x + width] = False
    assert np.array_equal(overlays[1][outside], framed[outside])
    left, top, width, height = (int(side) for side in areas[0])
    assert np.array_equal(overlays[0][top : top + height, left : left + width], overlays[1][y : y + height, x : x + width])
    assert overlays[1].shape == framed.shape and not np.array_equal(overlays[1], framed)


def test_a_map_of_a_few_places_is_enlarged_as_opencv_does(tmp_path):
    options = ["--method", "gradcam", "--layer", "final_sum_att_feat", "--opacity", "1", "--percentile", "100"]
    told = json.loads(fovea_ok("explain", "-m", MODEL, SAMPLES[0], *options, "--raw", tmp_path / "raw.npy", "--overlay", tmp_path / "over.png"))
    x, y, width, height = (int(side) for side in told["photo_area"])
    values = scaled(np.load(tmp_path / "raw.npy")[..., 0].astype(np.float64), 100)
    large = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    expected = cv2.applyColorMap(np.rint(large * 255).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    made = picture(tmp_path / "over.png")[y : y + height, x : x + width]
    assert np.abs(made.astype(int) - expected).max() <= 4 and (made == expected).mean() > 0.99


def test_photos_that_cannot_be_explained(tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    one_error(fovea("explain", "-m", MODEL, tmp_path / "text.jpg"), 3, "text.jpg")
    one_error(fovea("explain", "-m", MODEL, tmp_path / "gone.jpg"), 3, "gone.jpg")
    one_error(fovea("explain", "-m", MODEL, SAMPLES[0], "--overlay", tmp_path / "gone" / "over.png"), 1, "gone")
    np.save(tmp_path / "values.npy", np.zeros((96, 96, 3), np.float32))
    one_error(fovea("explain", "-m", MODEL, "--as-is", tmp_path / "values.npy", "--overlay", tmp_path / "over.png"), 3, "overlay")
    for wrong in ("256", "-1", "nan", "gone.npy", SAMPLES[0]):
        one_error(fovea("explain", "-m", MODEL, SAMPLES[0], "--method", "integrated", "--baseline", wrong), 2, "--baseline")
