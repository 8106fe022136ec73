# SPDX-License-Identifier: Apache-2.0
"""Photos that are broken, hostile or no photos: a named cause, status 3, and the rest of the batch."""
import os
import pathlib
import struct
import zlib

import pytest
from cli_helpers import SAMPLES, fovea, jsonl, model, needs_binary, one_error  # noqa: F401

pytestmark = needs_binary
DATA = os.environ.get("FOVEA_DATA", "")
needs_data = pytest.mark.skipif(not DATA, reason="FOVEA_DATA names no data folder")


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width, height):
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")


def jpeg_header(width, height):
    return b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03\x01\x11\0\x02\x11\0\x03\x11\0" + b"\xff\xd9"


GOOD = SAMPLES[0].read_bytes()
BAD = {
    "huge.png": png_header(100_000, 100_000),
    "wide.png": png_header(2**31 - 1, 1),
    "zero.png": png_header(0, 10),
    "few_rows.png": png_header(64, 64),
    "signature.png": b"\x89PNG\r\n\x1a\n",
    "huge.jpg": jpeg_header(65535, 65535),
    "zero.jpg": jpeg_header(0, 0),
    "start.jpg": b"\xff\xd8",
    "cut.jpg": GOOD[: len(GOOD) // 2],
    "holes.jpg": GOOD[:20000] + bytes(20000) + GOOD[40000:],
    "text.jpg": b"<html>404 not found</html>",
    "webp.jpg": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(30),
    "gif.png": b"GIF89a" + bytes(100),
    "bmp.jpg": b"BM" + bytes(100),
    "empty.jpg": b"",
    "one.jpg": b"\xff",
}


@pytest.mark.parametrize("name", BAD)
def test_each_bad_photo_is_named(model, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BAD[name])
    result = fovea("screen", "--model", model, "--format", "jsonl", path)
    one_error(result, 3, path)
    photo = jsonl(result.stdout)[0]
    assert photo["status"] == "error" and photo["error"]["message"] in result.stderr
    one_error(fovea("preprocess", path, tmp_path / "out.png"), 3, path)
    one_error(fovea("run", "--model", model, path), 3, path)
    assert not (tmp_path / "out.png").exists()


def test_bad_photos_do_not_disturb_good_ones(model, tmp_path):
    alone = jsonl(fovea("screen", "--model", model, "--format", "jsonl", "--no-timings", SAMPLES[0]).stdout)[0]
    arguments = []
    for name, data in BAD.items():
        (tmp_path / name).write_bytes(data)
        arguments += [tmp_path / name, SAMPLES[0]]
    result = fovea("screen", "--model", model, "--format", "jsonl", "--no-timings", "--jobs", "3", *arguments)
    assert result.returncode == 3
    photos = jsonl(result.stdout)
    assert all(photo["status"] == "error" for photo in photos[0::2])
    assert all(photo == alone for photo in photos[1::2])
    for name in BAD:
        assert sum(f"/{name}: " in line for line in result.stderr.splitlines()) == 1


@needs_data
def test_every_malformed_file_of_the_data(model):
    folder = pathlib.Path(DATA) / "malformed"
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".csv")  # a list of photos
    assert len(files) > 100
    result = fovea("screen", "--model", model, "--format", "jsonl", "--jobs", "2", *files, timeout=900)
    assert result.returncode == 3
    photos = jsonl(result.stdout)
    assert [photo["file"] for photo in photos] == [str(path) for path in files]
    named = [line for line in result.stderr.splitlines() if line.startswith("fovea: ")]
    errors = [photo for photo in photos if photo["status"] == "error"]
    assert len(named) == len(errors) > 0
    for photo in errors:
        assert any(photo["file"] in line and photo["error"]["message"] in line for line in named)
