# SPDX-License-Identifier: Apache-2.0
"""Camera pixels through the public header, against OpenCV (BT.601 limited range) and libjpeg (full range), to the byte.

FOVEA_BUILD_DIRECTORY is a Meson build folder with tests/unit/upright_pixels.
"""
import io
import os
import pathlib
import subprocess

import cv2
import numpy as np
import pytest
from PIL import Image

PROGRAM = pathlib.Path(os.environ.get("FOVEA_BUILD_DIRECTORY", "")) / "tests" / "unit" / "upright_pixels"
pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="FOVEA_BUILD_DIRECTORY names no Meson build folder with tests/unit/upright_pixels")


def upright(pixel_format, yuv, side, planes, rotation=0, mirror=0, chroma_stride=1):
    command = [PROGRAM, pixel_format, yuv, str(side), str(rotation), str(mirror), str(chroma_stride)]
    done = subprocess.run(command, input=b"".join(np.ascontiguousarray(plane).tobytes() for plane in planes), capture_output=True)
    assert done.returncode == 0, done.stderr
    return np.frombuffer(done.stdout, np.uint8).reshape(side, side, 3)


def every_yuv(side=1024, seed=1):
    """Y, U and V of a square picture: noise, so that over a million pixels meet most combinations."""
    random = np.random.default_rng(seed)
    half = (side + 1) // 2
    return [random.integers(0, 256, (n, n), np.uint8) for n in (side, half, half)]


def pairs(first, second):
    return np.stack([first, second], axis=-1)


def opencv(y, u, v):
    """Limited range by OpenCV, which takes even sides only; of an odd one the last column and row are cut off again."""
    side, half = len(y), len(u)
    whole = np.pad(y, ((0, 2 * half - side),) * 2)
    stacked = np.concatenate([whole, pairs(u, v).reshape(half, 2 * half)])
    return cv2.cvtColor(stacked, cv2.COLOR_YUV2RGB_NV12)[:side, :side]


@pytest.mark.parametrize("side", [1, 2, 15, 97, 1024])
def test_limited_range_is_opencvs(side):
    y, u, v = every_yuv(side)
    expected = opencv(y, u, v)
    assert np.array_equal(upright("nv12", "limited", side, [y, pairs(u, v)], chroma_stride=2), expected)
    assert np.array_equal(upright("nv21", "limited", side, [y, pairs(v, u)], chroma_stride=2), expected)
    assert np.array_equal(upright("yuv420", "limited", side, [y, u, v]), expected)
    spread = [pairs(plane, np.full_like(plane, 99)) for plane in (u, v)]
    assert np.array_equal(upright("yuv420", "limited", side, [y, *spread], chroma_stride=2), expected)


def test_other_layouts_of_opencv_are_the_same():
    """COLOR_YUV2RGB_NV21 and COLOR_YUV2RGB_I420 agree: one reference for all."""
    y, u, v = every_yuv(64)
    expected = opencv(y, u, v)
    nv21 = np.concatenate([y, pairs(v, u).reshape(32, 64)])
    assert np.array_equal(cv2.cvtColor(nv21, cv2.COLOR_YUV2RGB_NV21), expected)
    planar = np.concatenate([y, u.reshape(16, 64), v.reshape(16, 64)])
    assert np.array_equal(cv2.cvtColor(planar, cv2.COLOR_YUV2RGB_I420), expected)


def test_full_range_is_libjpegs():
    """libjpeg decodes one file to YCbCr and to RGB. Of 4:4:4 every pixel has a U and V of its own: laid out as blocks of two by two alike."""
    random = np.random.default_rng(2)
    file = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (512, 512, 3), np.uint8)).save(file, "JPEG", quality=95, subsampling=0)
    planes = Image.open(io.BytesIO(file.getvalue()))
    planes.draft("YCbCr", planes.size)
    planes = np.asarray(planes)
    assert planes.shape == (512, 512, 3)
    expected = np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))
    assert not np.array_equal(planes, expected), "no YCbCr was given"
    y, u, v = (planes[..., i].repeat(2, 0).repeat(2, 1) for i in range(3))
    got = upright("yuv420", "full", 1024, [y, u[::2, ::2], v[::2, ::2]])
    assert np.array_equal(got, expected.repeat(2, 0).repeat(2, 1))
    values = np.unique(planes.reshape(-1, 3), axis=0)
    assert len(values) > 200_000, "too few combinations"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [0, 1])
def test_pixels_are_turned_and_mirrored_as_opencv_does(rotation, mirror):
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    y, u, v = every_yuv(37)
    expected = opencv(y, u, v)
    expected = cv2.rotate(expected, turns[rotation]) if rotation else expected
    expected = cv2.flip(expected, 1) if mirror else expected
    assert np.array_equal(upright("nv12", "limited", 37, [y, pairs(u, v)], rotation, mirror, 2), expected)


def test_gray_and_colors_are_opencvs():
    random = np.random.default_rng(3)
    for pixel_format, channels, code in (("gray", 1, cv2.COLOR_GRAY2RGB), ("bgr", 3, cv2.COLOR_BGR2RGB), ("rgb", 3, None)):
        picture = random.integers(0, 256, (63, 63, channels), np.uint8)
        expected = picture if code is None else cv2.cvtColor(picture, code)
        assert np.array_equal(upright(pixel_format, "none", 63, [picture]), expected)


@pytest.mark.parametrize("pixel_format, yuv, size, cause", [("nv12", "none", 6, "yuv says not"), ("rgb", "full", 12, "yuv is set"),
                                                            ("cmyk", "none", 4, "unknown format")])
def test_what_is_not_said_is_refused(pixel_format, yuv, size, cause):
    done = subprocess.run([PROGRAM, pixel_format, yuv, "2", "0", "0", "2"], input=bytes(size), capture_output=True)
    assert done.returncode == 1 and cause in done.stderr.decode(), done.stderr
