# SPDX-License-Identifier: Apache-2.0
"""JPEGs that depart from the standard without any doubt about their pixels: as OpenCV and Pillow, `fovea` decodes them; files that lack
data, in whatever disguise, it refuses."""
import io
import subprocess
import tempfile

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
Image = pytest.importorskip("PIL.Image")

from jpeg_writer import DHT, DQT, DRI, EOI, SOF, SOI, SOS, join, segment, segments  # noqa: E402

SIDE = 176


def make(**options):
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    random = np.random.default_rng(7)
    disc = (x - 85) ** 2 + (y - 90) ** 2 < 75**2
    pixels = np.where(disc[..., None], [190, 100, 50], [4, 3, 2]) + random.integers(0, 20, (SIDE, SIDE, 3))
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", **{"quality": 85, "subsampling": 2} | options)
    return stream.getvalue()


def change(file, *markers, body=None, data=None, which=None):
    """body(old) and data(old) make the new ones of the segments with these markers (of number `which` alone)."""
    parts = segments(file)
    hits = [part for part in parts if part[0] in markers]
    for part in hits if which is None else [hits[which]]:
        part[1] = part[1] if body is None else body(part[1])
        part[2] = part[2] if data is None else data(part[2])
    return join(parts)


def insert_before(file, marker, piece, which=0):
    parts = segments(file)
    at = [i for i, part in enumerate(parts) if part[0] == marker][which]
    return join(parts[:at]) + piece + join(parts[at:])


def same_ids(file, ids):
    def frame(body):
        return body[:6] + b"".join(bytes([ids[i]]) + body[7 + 3 * i : 9 + 3 * i] for i in range(3))

    def scan(body):
        return body[:1] + b"".join(bytes([ids[i]]) + body[2 + 2 * i : 3 + 2 * i] for i in range(3)) + body[7:]

    return change(change(file, *SOF, body=frame), SOS, body=scan)


def restart_junk(data):
    at = data.index(b"\xff\xd2")
    return data[:at] + b"\x00\x17\x80" + data[at:]


def samsung_trailer():
    block = b"\x00\x00\x01\x0a\x0e\x00\x00\x00Image_UTC_Data1700000000000" + bytes(range(256)) * 4
    return block + b"SEFH" + bytes(20) + b"SEFT"


BASE = make()
FINE = make(subsampling=0)
PROGRESSIVE = make(progressive=True)
RESTART = make(restart_marker_blocks=3)
BARE = make()[:-2]
WHOLE = {
    "bytes before the end": (BASE, BASE[:-2] + b"\x5a\x3c" + BASE[-2:]),
    "a stuffed byte before the end": (BASE, BASE[:-2] + b"\xff\x00\x12" + BASE[-2:]),
    "many bytes before the end": (BASE, BASE[:-2] + b"\x55" * 900 + BASE[-2:]),
    "zeros before the end": (BASE, BASE[:-2] + bytes(5000) + BASE[-2:]),
    "fill bytes before the end": (BASE, BASE[:-2] + b"\xff" * 300 + BASE[-2:]),
    "zeros and fill bytes before the end": (BASE, BASE[:-2] + b"\x00\xff\xff" + BASE[-2:]),
    "a restart marker before the end": (RESTART, RESTART[:-2] + b"\xff\xd7" + RESTART[-2:]),
    "bytes behind the end": (BASE, BASE + bytes(range(256)) * 3),
    "a second picture behind the end": (BASE, BASE + FINE),
    "no end marker": (BASE, BARE),
    "half an end marker": (BASE, BASE[:-1]),
    "no end marker, zeros": (BASE, BARE + bytes(64)),
    "no end marker, progressive": (PROGRESSIVE, PROGRESSIVE[:-2]),
    "no end marker, restarts": (RESTART, RESTART[:-2]),
    "no end marker, trailer": (BASE, BARE + samsung_trailer()),
    "trailer behind the end": (BASE, BASE + samsung_trailer()),
    "spectral selection 1-63": (BASE, change(BASE, SOS, body=lambda b: b[:-3] + b"\x01\x3f\x00")),
    "spectral selection 0-0": (BASE, change(BASE, SOS, body=lambda b: b[:-3] + b"\x00\x00\x00")),
    "successive approximation in a baseline scan": (BASE, change(BASE, SOS, body=lambda b: b[:-3] + b"\x00\x3f\x11")),
    "all spectral numbers odd": (BASE, change(BASE, SOS, body=lambda b: b[:-3] + b"\x3f\x01\xff")),
    "equal component numbers": (BASE, same_ids(BASE, (1, 1, 1))),
    "two equal component numbers": (BASE, same_ids(BASE, (1, 2, 2))),
    "component numbers 0, 1, 2": (BASE, same_ids(BASE, (0, 1, 2))),
    "component numbers R, G, B of a JFIF file": (BASE, same_ids(BASE, b"RGB")),
    "equal component numbers R": (FINE, same_ids(FINE, b"RRR")),
    "height repeated": (BASE, insert_before(BASE, EOI, segment(0xDC, SIDE.to_bytes(2, "big")))),
    "another height behind the data": (BASE, insert_before(BASE, EOI, segment(0xDC, b"\x00\x10"))),
    "height repeated between scans": (PROGRESSIVE, insert_before(PROGRESSIVE, SOS, segment(0xDC, SIDE.to_bytes(2, "big")), 1)),
    "fill bytes before every marker": (PROGRESSIVE, b"".join(
        (b"" if m == SOI else b"\xff\xff\xff") + segment(m, b) + d for m, b, d in segments(PROGRESSIVE))),
    "bytes between segments": (BASE, insert_before(BASE, DQT, b"\x00\x11\x22\x33")),
    "bytes between the scans": (PROGRESSIVE, change(PROGRESSIVE, SOS, data=lambda d: d + b"\x21\x43\x65\xff\x00\x87")),
    "a restart marker between the scans": (PROGRESSIVE, insert_before(PROGRESSIVE, SOS, b"\xff\xd0", 2)),
    "a marker without meaning": (BASE, insert_before(BASE, DQT, b"\xff\x01")),
    "bytes before a restart marker": (RESTART, change(RESTART, SOS, data=restart_junk)),
    "fill bytes before the restart markers": (RESTART, change(
        RESTART, SOS, data=lambda d: b"".join(b"\xff\xff\xff" + d[i : i + 2] if d[i] == 0xFF and 0xD0 <= d[i + 1] <= 0xD7 else
                                              d[i : i + 1] for i in range(len(d) - 1) if not (i and d[i - 1] == 0xFF and 0xD0 <= d[i] <= 0xD7)) + d[-1:])),
    "APP segments behind the frame header": (BASE, insert_before(BASE, SOS, segment(0xE5, b"abc") + segment(0xE1, b"Exif\0\0"))),
    "an empty APP segment": (BASE, insert_before(BASE, DQT, segment(0xE7))),
    "an APP segment of length 0": (BASE, insert_before(BASE, DQT, b"\xff\xe7\x00\x00")),
    "a comment of length 1": (BASE, insert_before(BASE, DQT, b"\xff\xfe\x00\x01")),
    "restart interval 0": (BASE, insert_before(BASE, SOS, segment(DRI, b"\0\0"))),
    "restart interval beyond the picture": (BASE, insert_before(BASE, SOS, segment(DRI, b"\xff\xff"))),
    "tables defined twice": (BASE, insert_before(BASE, SOS, b"".join(segment(m, b) for m, b, _ in segments(BASE) if m in (DHT, DQT)))),
    "other tables first": (BASE, insert_before(BASE, DHT, b"".join(segment(m, b) for m, b, _ in segments(make(optimize=True)) if m == DHT))),
    "a damaged table that no scan uses": (BASE, insert_before(BASE, DQT, segment(DHT, b"\x13\3" + bytes(15) + b"abc"))),
    "a damaged table before its successor": (BASE, insert_before(BASE, DHT, segment(DHT, b"\x10\3" + bytes(15) + b"abc"))),
    "no Huffman tables": (BASE, join([p for p in segments(BASE) if p[0] != DHT])),
    "16-bit quantisation tables": (BASE, change(BASE, DQT, body=lambda b: b"".join(
        bytes([0x10 | b[t]]) + b"".join(bytes([0, v]) for v in b[t + 1 : t + 65]) for t in range(0, len(b), 65)))),
    "arithmetic conditioning of a Huffman file": (BASE, insert_before(BASE, DQT, segment(0xCC, b"\x00\x10"))),
    "Adobe segment, YCbCr": (BASE, insert_before(BASE, DQT, segment(0xEE, b"Adobe\0d\0\0\0\0\1"))),
    "Adobe segment against JFIF": (BASE, insert_before(BASE, DQT, segment(0xEE, b"Adobe\0d\0\0\0\0\0"))),
    "a short Adobe segment": (BASE, insert_before(BASE, DQT, segment(0xEE, b"Adobe\0d"))),
    "no JFIF segment": (BASE, join([p for p in segments(BASE) if p[0] != 0xE0])),
    "extended frame": (BASE, BASE.replace(b"\xff\xc0\x00\x11", b"\xff\xc1\x00\x11")),
}


def opencv(file):
    with tempfile.NamedTemporaryFile(suffix=".jpg") as photo:  # imdecode() does not take a file without its end
        photo.write(file)
        photo.flush()
        pixels = cv2.imread(photo.name)
    return None if pixels is None else pixels[..., ::-1]


def pillow(file):
    try:
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    except OSError:
        return None


@pytest.fixture
def decode(fovea_binary, tmp_path):
    """The pixels that `fovea` decodes a square photo of SIDE pixels to; or its message."""

    def run(file):
        photo, out = tmp_path / "in.jpg", tmp_path / "out.png"
        photo.write_bytes(file)
        out.unlink(missing_ok=True)
        command = [fovea_binary, "preprocess", "--preset", "none", "--size", str(SIDE), str(photo), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 3), done.stderr
        return cv2.imread(str(out))[..., ::-1] if done.returncode == 0 else done.stderr

    return run


@pytest.mark.parametrize("name", WHOLE)
def test_whole_pictures_are_decoded(decode, name):
    plain, odd = WHOLE[name]
    assert odd != plain
    by_opencv = opencv(odd)
    assert np.array_equal(by_opencv, opencv(plain)), "the file does not do what its name says"
    by_pillow = pillow(odd)
    assert by_pillow is None or np.array_equal(by_pillow, by_opencv)
    pixels = decode(odd)
    assert isinstance(pixels, np.ndarray), pixels
    assert np.array_equal(pixels, by_opencv)


def test_the_red_of_adobe_is_no_luminance(decode):
    """Red, green and blue stored as they are: by an Adobe segment, by the components' letters, and by equal numbers beside the segment."""
    rgb = make(keep_rgb=True, subsampling=0)
    for file in (rgb, same_ids(rgb, (1, 2, 3)), same_ids(rgb, (7, 7, 7)), same_ids(make(subsampling=0), b"RGB")):
        expected, pixels = opencv(file), decode(file)
        assert isinstance(pixels, np.ndarray), pixels
        assert np.array_equal(pixels, expected)


CUT = {
    "cut": lambda f: f[: len(f) * 3 // 4],
    "cut, end marker added": lambda f: f[: len(f) * 3 // 4] + b"\xff\xd9",
    "cut, zeros added": lambda f: f[: len(f) * 3 // 4] + bytes(len(f)),
    "cut, fill bytes and end marker added": lambda f: f[: len(f) * 3 // 4] + b"\xff" * 999 + b"\xff\xd9",
    "cut, a second picture added": lambda f: f[: len(f) * 3 // 4] + f,
    "last byte of the data missing": lambda f: f[:-3] + b"\xff\xd9",
    "height doubled": lambda f: change(f, *SOF, body=lambda b: b[:1] + (2 * SIDE).to_bytes(2, "big") + b[3:]),
    "height halved": lambda f: change(f, *SOF, body=lambda b: b[:1] + (SIDE // 2).to_bytes(2, "big") + b[3:]),
    "no Huffman table for chroma": lambda f: join([p for p in segments(f) if p[0] != DHT or p[1][0] & 15 == 0]),
    "a damaged Huffman table that a scan uses": lambda f: insert_before(f, SOS, segment(DHT, b"\0\3" + bytes(15) + b"abc")),
    "the only Huffman table damaged": lambda f: join([[m, b"\0\3" + bytes(15) + b"abc" if m == DHT else b, d] for m, b, d in segments(f)]),
    "no quantisation table": lambda f: join([p for p in segments(f) if p[0] != DQT]),
}


@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize("base", ["BASE", "FINE", "PROGRESSIVE", "RESTART"])
def test_cut_pictures_are_refused(decode, kind, base):
    file = globals()[base]
    assert isinstance(decode(file), np.ndarray)
    assert isinstance(decode(CUT[kind](file)), str)


def test_scans_missing_are_refused(decode):
    parts = segments(PROGRESSIVE)
    scans = [i for i, part in enumerate(parts) if part[0] == SOS]
    for missing in scans:
        assert isinstance(decode(join(parts[:missing] + parts[missing + 1 :])), str)
