# SPDX-License-Identifier: Apache-2.0
"""The pixels of JPEGs are those of libjpeg-turbo, as OpenCV and Pillow bring it, at every scale, to the bit."""
import io
import os
import pathlib
import subprocess

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
Image = pytest.importorskip("PIL.Image")

from jpeg_writer import EOI, SOS, join, random_jpeg, segments  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("FOVEA_BUILD_DIRECTORY", "")) / "tests" / "unit" / "decode_jpegs"
pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="FOVEA_BUILD_DIRECTORY names no Meson build folder with its tests")

MODES = {8: cv2.IMREAD_COLOR, 4: cv2.IMREAD_REDUCED_COLOR_2, 2: cv2.IMREAD_REDUCED_COLOR_4, 1: cv2.IMREAD_REDUCED_COLOR_8}
COMMON = (0x411111, 0x221111, 0x211111, 0x121111, 0x111111)  # OpenCV's names of 4:1:1, 4:2:0, 4:2:2, 4:4:0 and 4:4:4
G, T = (1, 1), (2, 2)
# libjpeg-turbo wants at most 10 blocks in a unit.
UNCOMMON = [((4, 2), G, G), ((1, 4), G, G), ((3, 1), G, G), ((3, 2), G, (3, 1)), (T, (2, 1), (1, 2)), (T, (1, 2), (1, 2)), (T, (2, 1), (2, 1)),
            (G, T, G), (G, (2, 1), (2, 1)), ((2, 1), G, (2, 1)), ((1, 2), (1, 2), G), ((4, 1), (2, 1), (2, 1)), ((2, 4), G, G),
            ((1, 4), (1, 2), (1, 2)), (T, T, G), ((4, 1), (2, 1), G), (T,), ((3, 1),), ((1, 4),), (G,)]


def decode(paths, scale):
    """The pixels of each file; None: refused."""
    out = subprocess.run([PROGRAM, str(scale), *paths], capture_output=True, check=True, timeout=600).stdout
    pictures, at = [], 0
    for _ in paths:
        end = out.index(b"\n", at)
        width, height = map(int, out[at:end].split())
        size = 3 * width * height
        pictures.append(np.frombuffer(out, np.uint8, size, end + 1).reshape(height, width, 3) if size else None)
        at = end + 1 + size
    assert at == len(out)
    return pictures


def by_opencv(path, scale):
    pixels = cv2.imread(str(path), MODES[scale] | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if pixels is None else pixels[..., ::-1]


def compare(paths, scales=tuple(MODES)):
    """How many files both decode; their pixels must be the same."""
    both = 0
    for scale in scales:
        for path, pixels in zip(paths, decode(paths, scale)):
            expected = by_opencv(path, scale)
            if pixels is None or expected is None:
                continue
            both += scale == scales[0]
            assert pixels.shape == expected.shape, (path, scale)
            wrong = np.argwhere((pixels != expected).any(axis=2))
            assert not len(wrong), (path, scale, len(wrong), wrong[0], pixels[tuple(wrong[0])], expected[tuple(wrong[0])])
    return both


def picture(random, width, height):
    y, x = np.mgrid[0:height, 0:width]
    waves = np.sin(x[..., None] / random.uniform(1, 9, 3) + y[..., None] / random.uniform(1, 9, 3))
    noise = random.normal(0, random.uniform(0, 60), (height, width, 3))
    return np.clip(128 + 80 * waves + noise, 0, 255).astype(np.uint8)


def write_all(folder, files):
    paths = []
    for name, file in files:
        paths.append(folder / f"{name}.jpg")
        paths[-1].write_bytes(file)
    return paths


@pytest.mark.parametrize("sampling", COMMON, ids=hex)
def test_usual_files(tmp_path, sampling):
    random = np.random.default_rng(sampling)
    files = []
    for i in range(160):
        width, height = random.integers(1, 41, 2)
        choices = {cv2.IMWRITE_JPEG_QUALITY: random.integers(1, 101), cv2.IMWRITE_JPEG_SAMPLING_FACTOR: sampling,
                   cv2.IMWRITE_JPEG_PROGRESSIVE: i % 2, cv2.IMWRITE_JPEG_OPTIMIZE: i // 2 % 2, cv2.IMWRITE_JPEG_RST_INTERVAL: i // 4 % 3}
        _, file = cv2.imencode(".jpg", picture(random, width, height), [int(n) for pair in choices.items() for n in pair])
        files.append((f"{i}_{width}x{height}", file.tobytes()))
    assert compare(write_all(tmp_path, files)) == len(files)


@pytest.mark.parametrize("options", [{"progressive": True}, {"keep_rgb": True, "subsampling": 0}, {"keep_rgb": True, "progressive": True},
                                     {"restart_marker_rows": 1}, {"mode": "L"}, {"mode": "L", "progressive": True}], ids=str)
def test_files_of_pillow(tmp_path, options):
    """At full size, Pillow decodes them to the same pixels too."""
    random = np.random.default_rng(5)
    mode = options.pop("mode", "RGB")
    files = []
    for i in range(40):
        width, height = random.integers(1, 60, 2)
        stream = io.BytesIO()
        Image.fromarray(picture(random, width, height)).convert(mode).save(stream, "JPEG", **{"quality": 60 + i} | options)
        files.append((f"{i}_{width}x{height}", stream.getvalue()))
    options["mode"] = mode
    paths = write_all(tmp_path, files)
    assert compare(paths) == len(files)
    for path, pixels in zip(paths, decode(paths, 8)):
        assert np.array_equal(pixels, np.asarray(Image.open(path).convert("RGB")))


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"mode": "L"}], ids=str)
def test_a_scan_of_a_progressive_file_that_comes_twice(tmp_path, options):
    """The same bits again, or, of a refinement, whatever libjpeg finds in its data the second time."""
    random = np.random.default_rng(11)
    mode = options.pop("mode", "RGB")
    files, plain = [], []
    for i in range(6):
        stream = io.BytesIO()
        pixels = picture(random, 90 + 7 * i, 60 + i)
        Image.fromarray(pixels).convert(mode).save(stream, "JPEG", progressive=True, **{"quality": 70 + 5 * i} | options)
        parts = segments(stream.getvalue())
        ends = [at + 1 for at, part in enumerate(parts) if part[0] == SOS]
        assert len(ends) >= 6 and parts[-1][0] == EOI
        for number, end in enumerate(ends):
            begin = ends[number - 1] if number else end - 1
            files.append((f"{i}_{number}", join(parts[:end] + parts[begin:])))
            plain.append(join(parts))
    options["mode"] = mode
    paths = write_all(tmp_path, files)
    assert compare(paths) >= len(files) * 3 // 4
    changed = 0
    for path, pixels, whole in zip(paths, decode(paths, 8), plain):
        if pixels is not None:
            assert np.array_equal(pixels, np.asarray(Image.open(path).convert("RGB")))
            changed += not np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(whole)).convert("RGB")))
    assert changed >= 6


def test_flat_and_extreme_pictures(tmp_path):
    """Blocks of one coefficient, and colours that the conversion has to clip."""
    files = []
    for i, colour in enumerate([(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255), (1, 254, 3)]):
        for sampling in COMMON:
            flat = np.full((33, 35, 3), colour, np.uint8)
            half = flat.copy()
            half[:, 17:] = 255 - half[:, 17:]
            for j, pixels in enumerate((flat, half)):
                _, file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 100 - 9 * i, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])
                files.append((f"{i}_{sampling:x}_{j}", file.tobytes()))
    assert compare(write_all(tmp_path, files)) == len(files)


@pytest.mark.parametrize("factors", UNCOMMON, ids=str)
def test_uncommon_sampling(tmp_path, factors):
    random = np.random.default_rng(3)
    count = len(factors)
    files = []
    for i in range(12):
        width, height = (int(n) for n in random.integers(1, 70, 2))
        scans = [[0], [1], [2]] if i % 3 == 1 and count > 1 else [[0], [1, 2]] if i % 3 == 2 and count > 1 else None
        files.append((f"{i}_{width}x{height}", random_jpeg(random, width, height, factors, scans, restart=i % 4)))
    assert compare(write_all(tmp_path, files)) == len(files)


def test_rgb_by_the_letters(tmp_path):
    random = np.random.default_rng(4)
    files = [(f"{i}", random_jpeg(random, 30 + i, 20 + i, (T, G, G), ids=b"RGB")) for i in range(4)]
    assert compare(write_all(tmp_path, files)) == len(files)


def test_all_sizes_up_to_20(tmp_path):
    """Every place that the edges of a picture can have in its blocks."""
    random = np.random.default_rng(6)
    files = []
    for width in range(1, 21):
        for height in range(1, 21):
            _, file = cv2.imencode(".jpg", picture(random, width, height), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, COMMON[(width + height) % 4]])
            files.append((f"{width}x{height}", file.tobytes()))
    assert compare(write_all(tmp_path, files)) == len(files)


@pytest.mark.parametrize("name", ["10_left.jpeg", "13_left.jpeg", "IDRiD_120.jpg", "smartphone_C001R01.jpg"])
def test_photos(fovea_data, name):
    assert compare([fovea_data / "photos" / name]) == 1


def test_malformed_files_that_both_decode(fovea_data):
    paths = sorted((fovea_data / "malformed" / "jpeg").iterdir())
    assert compare(paths) >= 6
