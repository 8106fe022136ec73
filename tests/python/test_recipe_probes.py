# SPDX-License-Identifier: Apache-2.0
"""Shortcut probes: each sees what it is named after and nothing else; blanking blanks what it says."""
import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
Image = pytest.importorskip("PIL.Image")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import images, probes  # noqa: E402

SIDE = 96


def disc(random, radius=0.95, tint=(1.0, 1.0, 1.0), detail=1, size=SIDE, level=120):
    """A grainy disc on black; detail: side of a grain."""
    grain = random.normal(0, 18, (size // detail + 1, size // detail + 1, 1)).repeat(detail, 0).repeat(detail, 1)[:size, :size]
    picture = np.clip((level + grain) * np.array(tint), 10, 255)
    picture[images.disc_distance(size) > radius] = 0
    return picture.astype(np.uint8)


def test_the_frame_is_told_by_nine_numbers():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[20:90, 5:100] = 90
    found = probes.frame(picture, 1.5)
    assert len(found) == 9
    assert found[:5] == pytest.approx([1.5, 0.05, 0.0, 0.2, 0.1])
    assert found[5:] == pytest.approx([0.0, 0.0, 10 * 5 / 225, 15 * 5 / 225])
    assert probes.frame(np.zeros_like(picture), 1.0)[1:] == [1.0] * 4 + [0.0] * 4


def test_colour_looks_inside_the_disc_only():
    picture = disc(np.random.default_rng(0), 0.95, (1.0, 0.5, 0.25))
    found = probes.colour(picture)
    assert found[:3] == pytest.approx([120, 60, 30], rel=0.05) and len(found) == 6
    outside = picture.copy()
    outside[images.disc_distance(SIDE) > 0.97] = 255
    assert probes.colour(outside) == pytest.approx(found)


def test_sharpness_falls_with_blur_and_ignores_brightness():
    random = np.random.default_rng(1)
    sharp = disc(random, detail=1)
    soft = disc(random, detail=8)
    one, other = probes.sharpness(sharp), probes.sharpness(soft)
    assert len(one) == 4 and one[0] > other[0] + 0.5 and one[3] < other[3]
    assert probes.sharpness(np.clip(sharp.astype(int) + 20, 0, 255).astype(np.uint8)) == pytest.approx(one, abs=0.15)


@pytest.fixture
def two_cameras(tmp_path):
    """Source "a": ill eyes come framed smaller; "b": framed alike. What the network sees is alike in both."""
    random = np.random.default_rng(2)

    def side(name, count, start):
        sources = np.array(["a"] * count + ["b"] * (count // 2))
        positive = np.arange(len(sources)) % 2
        paths, seen = [], []
        for i, (source, ill) in enumerate(zip(sources, positive)):
            path = tmp_path / f"{name}{i}.png"
            Image.fromarray(disc(random, 0.80 if source == "a" and ill else 0.99)).save(path)
            paths.append(path)
            seen.append(disc(random, 0.9, size=64))
        return {"sources": sources, "positive": positive, "paths": paths, "pixels": np.asarray(seen)}

    return side("t", 60, 0), side("v", 40, 60)


def test_a_classifier_of_frames_knows_its_own_camera_and_no_other(two_cameras):
    found = probes.classical(*two_cameras)
    assert (found["trained_on"], found["trained_photos"]) == ("a", 60)
    assert set(found["original"]) == set(found["seen"]) == set(probes.FEATURES) == set(probes.DESCRIPTION)
    assert found["original"]["frame"]["a"] == {"auc": 1.0, "accuracy": 1.0}
    assert abs(found["original"]["frame"]["b"]["auc"] - 0.5) < 0.3
    for probe in probes.FEATURES:  # the mask took the frame away
        assert abs(found["seen"][probe]["a"]["auc"] - 0.5) < 0.3


def test_originals_are_upright_and_of_one_size(tmp_path):
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, :40] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    pixels, aspect = probes.original(tmp_path / "a.png")
    assert pixels.shape == (probes.SIDE, probes.SIDE, 3) and aspect == 0.5
    assert pixels[:100].mean() > 190 and pixels[-100:].mean() < 10


def test_blanking_leaves_what_it_says():
    size = 64
    distance = images.disc_distance(size)
    random = np.random.default_rng(3)
    pixels = random.integers(1, 256, (8, size, size, 3)).astype(np.uint8)
    validation = {"pixels": pixels, "positive": np.array([0, 1] * 4), "sources": np.array(["a"] * 4 + ["b"] * 4)}
    given = {}
    answers = np.array([[0, -1], [0, 2], [0, 1], [0, -1], [0, -1], [0, 1], [0, -2], [0, 3]], np.float32)

    def logits_of(pictures):
        given[len(given)] = pictures
        return answers

    found = probes.blanked(validation, logits_of)
    assert list(found) == ["rim only", "without rim", "corners masked"]
    rim = distance >= probes.RIM
    assert np.array_equal(given[0][:, rim], pixels[:, rim]) and (given[0][:, ~rim] == 128).all()
    assert np.array_equal(given[1][:, ~rim], pixels[:, ~rim]) and not given[1][:, rim].any()
    outside = distance > probes.MASK
    assert np.array_equal(given[2][:, ~outside], pixels[:, ~outside]) and not given[2][:, outside].any()
    assert found["corners masked"] == {"a": {"auc": 0.625, "accuracy": 0.5}, "b": {"auc": 1.0, "accuracy": 1.0}}
