# SPDX-License-Identifier: Apache-2.0
"""`fovea preprocess` against OpenCV, pixel for pixel, and against Pillow on files of every kind."""
import csv
import hashlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
Image = pytest.importorskip("PIL.Image")

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "golden"))
from test_color_profiles import SRGB, encoded, to_d50  # noqa: E402

from opencv_presets import graham2015, kaggle_ben_color, kaggle_circle, kaggle_circle_v2, resize  # noqa: E402  (after the path and the skips)

PRESETS = {
    "kaggle_ben_color": kaggle_ben_color,
    "kaggle_circle": kaggle_circle,
    "kaggle_circle_v2": kaggle_circle_v2,
    "graham2015": graham2015,
}


def read_rgb(path):
    image = cv2.imread(str(path))
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@pytest.fixture
def preprocess(fovea_binary, tmp_path):
    """preprocess(photo, *options) -> (exit status, RGB pixels or None, message)."""

    def run(photo, *options):
        out = tmp_path / "out.png"
        out.unlink(missing_ok=True)
        command = [fovea_binary, "preprocess", *map(str, options), str(photo), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return done.returncode, read_rgb(out) if out.exists() else None, done.stderr

    return run


def assert_same(found, expected):
    status, pixels, message = found
    assert status == 0, message
    assert pixels.shape == expected.shape
    assert np.count_nonzero(pixels != expected) == 0


def draw(random, width, height):
    """A noisy disc on noise around the crop's tolerance, with dark rows and columns through it."""
    y, x = np.mgrid[0:height, 0:width]
    radius = min(width, height) * random.uniform(0.2, 0.8)
    disc = (x - width * random.uniform(0.3, 0.7)) ** 2 + (y - height * random.uniform(0.3, 0.7)) ** 2 < radius**2
    image = np.where(disc[..., None], random.integers(20, 240, 3), 3) + random.integers(-4, 6, (height, width, 3))
    image = np.clip(image, 0, 255).astype(np.uint8)
    image[random.random(height) < 0.05] = 0
    image[:, random.random(width) < 0.05] = 0
    return image


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("width,height", [(640, 480), (331, 517), (75, 64), (801, 800)])
def test_drawn_pictures(preprocess, tmp_path, preset, width, height):
    random = np.random.default_rng(width)
    photo = tmp_path / "in.png"
    image = draw(random, width, height)
    cv2.imwrite(str(photo), image[..., ::-1])
    for size in (224, 299, 512, 1024):
        assert_same(preprocess(photo, "--preset", preset, "--size", size), PRESETS[preset](image, size))


@pytest.mark.parametrize("width,height", [(1290, 961), (331, 517), (700, 700)])
def test_means_of_areas_without_the_dropped_columns(preprocess, tmp_path, width, height):
    """What the shipped detectors' preset does."""
    photo = tmp_path / "in.png"
    image = draw(np.random.default_rng(width), width, height)
    cv2.imwrite(str(photo), image[..., ::-1])
    for size in (1, 33, 224, 299, 600):
        found = preprocess(photo, "--preset", "kaggle_ben_color", "--size", size, "--resize", "cv_area")
        assert_same(found, kaggle_ben_color(image, size, how=cv2.INTER_AREA))


def test_next_to_nothing_is_not_enlarged(preprocess, tmp_path):
    """One lit pixel is no disc whose radius graham2015 could scale to 300 pixels: the picture would have 360,000 times the pixels."""
    photo = tmp_path / "in.png"
    image = np.zeros((400, 400, 3), np.uint8)
    image[200, 130] = 255
    cv2.imwrite(str(photo), image)
    status, _, message = preprocess(photo, "--preset", "graham2015", "--size", 224)
    assert status == 3
    assert "enlarge" in message


def test_plain_resizes(preprocess, tmp_path):
    photo = tmp_path / "in.png"
    for seed, (width, height) in enumerate([(640, 480), (448, 448), (91, 333), (1, 1), (1, 50), (672, 672)]):
        image = draw(np.random.default_rng(seed), width, height)
        cv2.imwrite(str(photo), image[..., ::-1])
        for size in (1, 96, 224, 391):
            for name, how in (("cv_linear", cv2.INTER_LINEAR), ("cv_area", cv2.INTER_AREA)):
                found = preprocess(photo, "--preset", "none", "--size", size, "--resize", name)
                assert_same(found, resize(image, size, how))


SHIPPED = pathlib.Path(__file__).parents[1] / "golden" / "data"


@pytest.mark.parametrize("photo", sorted((SHIPPED / "photos").glob("*.jpg")), ids=lambda path: path.stem)
def test_shipped_photos(preprocess, photo):
    image = read_rgb(photo)
    for preset, apply in PRESETS.items():
        assert_same(preprocess(photo, "--preset", preset, "--size", 224), apply(image, 224))
    # What the small networks of tests/golden were made with.
    stored = read_rgb(SHIPPED / "networks" / "inputs" / f"{photo.stem}.png")
    assert_same(preprocess(photo, "--preset", "kaggle_ben_color", "--size", len(stored)), stored)


def test_reference_results(preprocess, fovea_data):
    folder = fovea_data / "golden" / "preproc"
    expected = json.loads((folder / "expected.json").read_text())["results"]
    compared = 0
    for result in expected:
        preset, options = result["preset"], []
        if preset.endswith("_integer_radius"):
            continue  # Python 2's rounding of the radius is not offered
        if preset.endswith("_nomask"):
            preset, options = preset.removesuffix("_nomask"), ["--no-circle-mask"]
        if preset.endswith("_sigma_S30"):
            preset, options = preset.removesuffix("_sigma_S30"), ["--sigma", repr(512 / 30)]
        source = folder / "source" / f"{result['source']}.png"
        status, pixels, message = preprocess(source, "--preset", preset, "--size", result["size"], *options)
        assert status == 0, message
        assert list(pixels.shape) == result["shape"]
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == result["sha256"], result
        compared += 1
    assert compared >= 90


@pytest.mark.parametrize("name", ["10_left.jpeg", "16_right.jpeg", "IDRiD_120.jpg", "IDRiD_300.jpg"])
def test_full_size_photos(preprocess, fovea_data, name):
    photo = fovea_data / "photos" / name
    image = read_rgb(photo)
    assert image.shape[0] * image.shape[1] > 10_000_000
    for preset, apply in PRESETS.items():
        for size in (224, 512, 1024) if preset == "kaggle_ben_color" else (512,):
            assert_same(preprocess(photo, "--preset", preset, "--size", size), apply(image, size))


def pillow_rgb(path):
    """16-bit samples by their high byte, gAMA and cHRM to sRGB, alpha on black; and whether gAMA or cHRM changed anything."""
    image = Image.open(path)
    image.load()
    info = image.info
    is_grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I")
    values = np.asarray(image)
    if image.mode.startswith("I"):
        values = (values >> 8).astype(np.uint8)
        image = Image.fromarray(values)
    rgba = np.asarray(image.convert("RGBA")).astype(int)
    rgb, alpha = rgba[..., :3], rgba[..., 3:]
    gamma = info.get("gamma", 0.45455)
    chromaticity = None if is_grey else info.get("chromaticity")
    is_converted = "srgb" not in info and (abs(gamma - 0.45455) > 0.0227 or chromaticity is not None)
    if is_converted:
        light = (rgb / 255) ** (1 / gamma)
        if abs(gamma - 0.45455) <= 0.0227:
            light = np.where(rgb <= 10, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
        if chromaticity is not None:
            points = [chromaticity[i : i + 2] for i in (0, 2, 4, 6)]
            light = np.clip(light @ (np.linalg.inv(to_d50(SRGB)) @ to_d50(points[1:], points[0])).T, 0, 1)
        rgb = np.round(encoded(light)).astype(int)
    return ((rgb * alpha + 127) // 255).astype(np.uint8), is_converted


def test_png_suite(preprocess, fovea_data):
    folder = fovea_data / "malformed"
    with open(folder / "pngsuite" / "ref_results.csv", encoding="ascii") as stream:
        sound = {row["filename"] for row in csv.DictReader(stream) if not row["error"]}
    # The list tells no checksum errors, and Apple's variant is none of PNG's.
    refused = {"pngsuite/corrupt/xcsn0g01.png", "pngsuite/corrupt/xhdn0g08.png"}
    decoded = 0
    for path in sorted((folder / "pngsuite").rglob("*.png")):
        name = path.relative_to(folder).as_posix()
        if name not in sound or name in refused or "/iphone/" in name:
            status, _, message = preprocess(path)
            assert status == 3, name
            assert path.name in message
            continue
        with Image.open(path) as image:
            width, height = image.size
            is_gray_16 = image.mode.startswith("I")
        status, pixels, message = preprocess(path, "--preset", "none", "--size", max(width, height))
        assert status == 0, message
        decoded += 1
        # Pillow reduces other 16-bit pictures its own way and misses the transparent level of grey ones.
        is_comparable = ("16" not in path.stem or is_gray_16) and path.stem not in ("tbwn0g16", "tbbn0g04")
        if width == height and is_comparable:
            expected, is_converted = pillow_rgb(path)
            difference = np.abs(pixels.astype(int) - expected).max()
            assert difference <= (2 if is_converted else 0), (name, difference)
    assert decoded > 200


def test_malformed_jpegs(preprocess, fovea_data):
    statuses = []
    for path in sorted((fovea_data / "malformed" / "jpeg").iterdir()):
        status, pixels, message = preprocess(path, "--preset", "none", "--size", 16)
        assert status in (0, 3), path.name
        assert (pixels is not None) == (status == 0)
        assert status == 0 or path.name in message
        statuses.append(status)
    assert statuses.count(3) > 80


def test_orientations(preprocess, fovea_data):
    folder = fovea_data / "golden" / "exif"
    for entry in json.loads((folder / "expected.json").read_text()):
        status, pixels, message = preprocess(folder / entry["file"], "--preset", "none", "--pad-square", "--size", 160)
        assert status == 0, message
        upright = read_rgb(folder / entry["upright"]).astype(int)
        top = (160 - upright.shape[0]) // 2
        assert np.abs(pixels[top : top + upright.shape[0]].astype(int) - upright).max() <= 6, entry["file"]
