# SPDX-License-Identifier: Apache-2.0
"""JPEGs decoded at a smaller scale: which scale, and that the picture is the preset's of OpenCV's reduced pixels, to the bit."""
import json
import pathlib
import sys

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
Image = pytest.importorskip("PIL.Image")

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "golden"))
from cli_helpers import (  # noqa: E402, F401
    SAMPLES, SIDE, TinyNetwork, fovea, fovea_file, fovea_ok, jsonl, needs_binary, one_error, tiny_model,
)
from fovea_tools.conversion.options import Options  # noqa: E402
from fovea_tools.conversion.preprocessing import describe_preprocessing  # noqa: E402
from fovea_tools.errors import UsageError  # noqa: E402
from opencv_presets import kaggle_ben_color  # noqa: E402

pytestmark = needs_binary

REDUCED = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
LONGER, MOST_PIXELS = 768, 1_000_000  # models/FORMAT.md, section PREP
BEN = ("--preset", "kaggle_ben_color", "--resize", "cv_area")
SAMPLINGS = {"444": 0x111111, "422": 0x211111, "420": 0x221111}


def draw(width, height, disc_width, seed=1):
    """A disc with some texture, on black."""
    texture = np.random.default_rng(seed).integers(60, 200, (height // 32 + 2, width // 32 + 2, 3), np.uint8)
    picture = cv2.resize(texture, (width, height), interpolation=cv2.INTER_LINEAR)
    noise = np.random.default_rng(seed).integers(0, 9, (101, width, 1), np.uint8)
    picture = cv2.subtract(picture, np.resize(np.repeat(noise, 3, 2), picture.shape))
    disc = np.zeros((height, width), np.uint8)
    cv2.circle(disc, (width // 2, height // 2), disc_width // 2, 1, thickness=-1)
    return cv2.bitwise_and(picture, picture, mask=disc)


def write(path, picture, quality=90, sampling="420"):
    assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling]])
    return path


def reduced(path, scale, is_halved=False):
    picture = cv2.imread(str(path), REDUCED[scale])[..., ::-1]
    if not is_halved:
        return picture
    height, width = picture.shape[:2]
    even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)


def lit_sides(picture):
    lit = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY) > 7
    return lit.any(1).sum(), lit.any(0).sum()


def scale_of(path, size, times):
    """The rule of models/FORMAT.md for kaggle_ben_color, from OpenCV's pictures: the scale, and whether it is halved."""
    height, width = cv2.imread(str(path)).shape[:2]

    def smallest(least):
        sides = {scale: sorted((-(-width // scale), -(-height // scale))) for scale in (8, 4, 2)}
        scale = next((scale for scale, (shorter, longer) in sides.items() if shorter >= least and longer >= LONGER), 1)
        shorter, longer = sides.get(scale, sorted((width, height)))
        return scale, shorter * longer > MOST_PIXELS and (shorter + 1) // 2 >= least

    first = smallest(times * size)
    if first == (1, False):
        return first
    picture = reduced(path, *first)
    cut = min(lit_sides(picture))
    return first if cut >= times * size else smallest(-(-times * size * min(picture.shape[:2]) // cut))


def preprocess(photo, out, *options):
    fovea_ok("preprocess", *options, photo, out)
    return cv2.imread(str(out))[..., ::-1]


@pytest.mark.parametrize("width, height, disc, size, times, scale, is_halved", [
    (4288, 2848, 3400, 224, 2, 4, False),   # a camera's frame, the disc cut off above and below
    (4288, 2848, 3400, 224, 3, 4, False),
    (4288, 2848, 3400, 224, 4, 2, False),
    (3000, 2200, 2100, 64, 2, 2, True),     # 1/4 would be enough for the network, not for the quality checks
    (3073, 2000, 1900, 64, 2, 4, False),
    (3069, 2000, 1900, 64, 2, 4, False),    # sides are rounded up: 768
    (3068, 2000, 1900, 64, 2, 2, True),
    (8200, 4000, 3900, 128, 2, 8, False),
    (2592, 1944, 1900, 224, 2, 2, True),
    (2590, 1941, 1900, 224, 2, 2, True),    # odd sides, 1295 and 971
    (1533, 1531, 1500, 224, 2, 1, True),    # of a picture at full size
    (1000, 1000, 980, 64, 2, 1, False),
    (1000, 1001, 980, 64, 2, 1, True),
    (3000, 2200, 900, 256, 2, 1, False),    # room in the frame, none in the disc: decoded again
    (2400, 2400, 1060, 256, 2, 2, False),
    (4400, 4400, 4200, 256, 2, 4, True),
    (4400, 4400, 2100, 256, 2, 4, False),   # decoded again, to keep all
    (4400, 4400, 2000, 256, 2, 2, False),   # decoded again, at a scale between
    (4400, 4400, 500, 256, 2, 1, False),
])
def test_the_scale(tmp_path, width, height, disc, size, times, scale, is_halved):
    photo = write(tmp_path / "photo.jpg", draw(width, height, disc))
    assert scale_of(photo, size, times) == (scale, is_halved)
    seen = preprocess(photo, tmp_path / "seen.png", *BEN, "--size", size, "--scaled-decoding", times)
    assert np.array_equal(seen, kaggle_ben_color(reduced(photo, scale, is_halved), size, how=cv2.INTER_AREA))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("kind", ["baseline", "progressive", "restarts", "turned", "grey"])
def test_kinds_of_files(tmp_path, sampling, kind):
    picture = draw(2300, 2100, 2000)
    photo = tmp_path / "photo.jpg"
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(np.ascontiguousarray(picture[..., ::-1])).save(photo, quality=85, exif=exif.tobytes(), subsampling=sampling.replace("", ":")[1:-1])
    else:
        more = {"progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 7]}.get(kind, [])
        pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if kind == "grey" else picture
        assert cv2.imwrite(str(photo), pixels, [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling], *more])
    seen = preprocess(photo, tmp_path / "seen.png", *BEN, "--size", 64, "--scaled-decoding", 2)
    assert scale_of(photo, 64, 2) == (2, True)
    assert np.array_equal(seen, kaggle_ben_color(reduced(photo, 2, True), 64, how=cv2.INTER_AREA))


def test_other_presets(tmp_path):
    photo = write(tmp_path / "photo.jpg", draw(4300, 2900, 2500))
    half = tmp_path / "reduced.png"
    assert cv2.imwrite(str(half), reduced(photo, 4)[..., ::-1])
    for preset in ("none", "eyeq"):
        options = ("--preset", preset, "--resize", "cv_area", "--size", "128")
        scaled = preprocess(photo, tmp_path / "a.png", *options, "--scaled-decoding", "4")
        assert np.array_equal(scaled, preprocess(half, tmp_path / "b.png", *options))
        assert not np.array_equal(scaled, preprocess(photo, tmp_path / "c.png", *options))
    # The disc of eyeq, not the frame, decides.
    small = write(tmp_path / "small.jpg", draw(4300, 2900, 900))
    options = ("--preset", "eyeq", "--resize", "cv_area", "--size", "128")
    assert np.array_equal(preprocess(small, tmp_path / "a.png", *options, "--scaled-decoding", "4"),
                          preprocess(small, tmp_path / "b.png", *options))


@pytest.mark.parametrize("photo", SAMPLES, ids=lambda path: path.name)
def test_small_photos_stay_as_they_are(tmp_path, photo):
    for size in (224, 512):
        scaled = preprocess(photo, tmp_path / "a.png", *BEN, "--size", size, "--scaled-decoding", "2")
        assert np.array_equal(scaled, preprocess(photo, tmp_path / "b.png", *BEN, "--size", size))


def test_png_stays_as_it_is(tmp_path):
    photo = tmp_path / "photo.png"
    assert cv2.imwrite(str(photo), draw(2400, 2200, 2100))
    scaled = preprocess(photo, tmp_path / "a.png", *BEN, "--size", 64, "--scaled-decoding", "2")
    assert np.array_equal(scaled, preprocess(photo, tmp_path / "b.png", *BEN, "--size", 64))


def scaled_model(path, times):
    model = tiny_model()
    model.preprocessing = fovea_file.Preprocessing(1, fovea_file.FLAG_CIRCLE_MASK, 10.0, 7, 1, 0.0, SIDE, SIDE, times)
    path.write_bytes(fovea_file.write_fovea(model))
    return path


def test_screening_and_explaining_see_the_same(tmp_path):
    photo = write(tmp_path / "photo.jpg", draw(4300, 2900, 2800), sampling="444")
    model, whole = scaled_model(tmp_path / "scaled.fovea", 2), scaled_model(tmp_path / "whole.fovea", 0)
    network = TinyNetwork()
    results = {}
    for name, file, scale in (("scaled", model, 4), ("whole", whole, 1)):
        result, = jsonl(fovea_ok("screen", "--force", "--format", "jsonl", "-m", file, photo))
        expected = network.logits(kaggle_ben_color(reduced(photo, scale), SIDE, how=cv2.INTER_AREA))
        assert np.allclose(result["logits"], expected, atol=1e-4)
        assert (result["image"]["width"], result["image"]["height"]) == (4300, 2900)
        explained = json.loads(fovea_ok("explain", "-m", file, photo))
        assert np.allclose(explained["logits"], result["logits"], atol=1e-5)
        results[name] = result, explained
        assert np.array_equal(preprocess(photo, tmp_path / "seen.png", "--model", file),
                              kaggle_ben_color(reduced(photo, scale), SIDE, how=cv2.INTER_AREA))
    # Lengths are the photo's own.
    values = {name: {check["name"]: check["value"] for check in result["quality"]["checks"]} for name, (result, _) in results.items()}
    assert values["scaled"]["disc_diameter"] == pytest.approx(values["whole"]["disc_diameter"], rel=0.01)
    for scaled, full in zip(results["scaled"][1]["photo_area"], results["whole"][1]["photo_area"]):
        assert abs(scaled - full) <= 8


def test_refusals(tmp_path):
    photo, out = SAMPLES[0], tmp_path / "out.png"
    for options in (("--resize", "cv_linear"), ("--resize", "cv_area", "--preset", "kaggle_circle"), ("--resize", "cv_area", "--preset", "graham2015")):
        one_error(fovea("preprocess", *options, "--scaled-decoding", "2", photo, out), 2, "scaled_decoding")
    for times in ("1", "17"):
        one_error(fovea("preprocess", "--resize", "cv_area", "--scaled-decoding", times, photo, out), 2, "scaled_decoding")


def test_files(tmp_path):
    """The converter's option becomes the file's field, and nothing else is written or read."""
    options = Options(labels=["a", "b"], target="any_dr", preset="kaggle_ben_color", resize="cv_area", scaled_decoding=3)
    notes = []
    assert describe_preprocessing(options, (224, 224), notes).scaled_decoding == 3
    assert "3 times" in notes[0]
    for changed in ({"preset": "graham2015"}, {"resize": "cv_linear"}):
        with pytest.raises(UsageError, match="--scaled-decoding"):
            describe_preprocessing(Options(**{**vars(options), **changed}), (224, 224), [])
    file = scaled_model(tmp_path / "a.fovea", 16)
    assert fovea_file.read_fovea(file.read_bytes()).preprocessing.scaled_decoding == 16
    assert json.loads(fovea_ok("info", "--json", file))["preprocessing"]["scaled_decoding"] == 16
    for times in (1, 17):
        with pytest.raises(fovea_file.FormatError, match="scaled decoding"):
            scaled_model(tmp_path / "b.fovea", times)
