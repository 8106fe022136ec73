# SPDX-License-Identifier: Apache-2.0
"""Colour profiles of photos: `fovea` converts to sRGB what LittleCMS does, leaves sRGB alone, and warns of what it cannot convert."""
import io
import json
import struct
import subprocess
import zlib

import numpy as np
import pytest

from cli_helpers import SAMPLES, write_model

Image = pytest.importorskip("PIL.Image")
ImageCms = pytest.importorskip("PIL.ImageCms")

SIDE = 128
D50 = (0.9642, 1.0, 0.8249)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D65 = (0.3127, 0.3290)
SRGB, P3 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE, REC2020 = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))


def to_d50(primaries, white=D65):
    """Columns: XYZ of the primaries, adapted to D50."""
    def xyz(point):
        return np.array([point[0] / point[1], 1, (1 - point[0] - point[1]) / point[1]])

    columns = np.stack([xyz(point) for point in primaries], axis=1)
    columns = columns * np.linalg.solve(columns, xyz(white))
    adapted = np.diag(BRADFORD @ D50 / (BRADFORD @ xyz(white)))
    return np.linalg.inv(BRADFORD) @ adapted @ BRADFORD @ columns


def fixed(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def curve(*samples):
    return b"curv" + bytes(4) + struct.pack(">I", len(samples)) + b"".join(struct.pack(">H", s) for s in samples)


def gamma_curve(exponent):
    return curve(round(exponent * 256))


def parametric(kind, *parameters):
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed(*parameters)


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(tags, colors=b"RGB ", device=b"mntr", pcs=b"XYZ ", version=0x04300000):
    tags = {b"wtpt": b"XYZ " + bytes(4) + fixed(*D50), **tags}
    table, data, offset = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", offset + len(data), len(content))
        data += content
    header = struct.pack(">I4sI4s4s4s", 132 + len(table) + len(data), b"none", version, device, colors, pcs) + bytes(12)
    header += b"acsp" + bytes(28) + fixed(*D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def matrix_profile(primaries, curves, white=D65, **options):
    columns = to_d50(primaries, white)
    curves = curves if isinstance(curves, list) else [curves] * 3
    tags = {}
    for i, letter in enumerate(b"rgb"):
        tags[bytes([letter]) + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*columns[:, i])
        tags[bytes([letter]) + b"TRC"] = curves[i]
    return profile(tags | options.pop("more", {}), **options)


def sampled(count, function):
    return curve(*(round(65535 * function(i / (count - 1))) for i in range(count)))


PROFILES = {
    "Display P3": matrix_profile(P3, SRGB_CURVE),
    "Adobe RGB": matrix_profile(ADOBE, gamma_curve(563 / 256), version=0x02100000),
    "ProPhoto": matrix_profile(PROPHOTO, gamma_curve(1.8), white=(0.3457, 0.3585)),
    "Rec. 2020": matrix_profile(REC2020, parametric(3, 1 / 0.45, 1 / 1.0993, 0.0993 / 1.0993, 1 / 4.5, 0.08145)),
    "gamma 1.0": matrix_profile(SRGB, curve()),
    "gamma 1.8": matrix_profile(SRGB, gamma_curve(1.8)),
    "parametric 0": matrix_profile(SRGB, parametric(0, 2.6)),
    "parametric 1": matrix_profile(SRGB, parametric(1, 2.2, 0.9, 0.1)),
    "parametric 2": matrix_profile(SRGB, parametric(2, 2.0, 0.9, 0.05, 0.05)),
    "parametric 4": matrix_profile(P3, parametric(4, 2.4, 0.93, 0.05, 0.1, 0.03, 0.01, 0.005)),
    "17 samples": matrix_profile(P3, sampled(17, lambda x: x**2.1)),
    "2 samples": matrix_profile(P3, sampled(2, lambda x: x)),
    "4096 samples": matrix_profile(ADOBE, sampled(4096, lambda x: x**2.4)),
    "three curves": matrix_profile(SRGB, [gamma_curve(1.9), SRGB_CURVE, sampled(300, lambda x: x**2.5)]),
    "scanner": matrix_profile(ADOBE, gamma_curve(1.6), device=b"scnr"),
}


def colours():
    """Smooth ramps of all hues with noise, every grey, and the corners of the cube."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    pixels = np.stack([x, y, 1 - (x + y) / 2], axis=2) * 255 + random.normal(0, 20, (SIDE, SIDE, 3))
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    pixels[0:2] = np.arange(256, dtype=np.uint8).reshape(2, SIDE, 1)
    pixels[2, :8] = [[255 * (i >> c & 1) for c in range(3)] for i in range(8)]
    return pixels


def png(pixels, *chunks):
    """With these (kind, content) chunks before the data."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    file = stream.getvalue()
    added = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return file[:33] + added + file[33:]


def iccp(content):
    return b"iCCP", b"profile\0\0" + zlib.compress(content)


def to_srgb(pixels, content):
    """By LittleCMS."""
    image = Image.fromarray(pixels)
    source = ImageCms.ImageCmsProfile(io.BytesIO(content))
    return np.asarray(
        ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC)
    )


@pytest.fixture
def decode(fovea_binary, tmp_path):
    def run(file):
        photo, out = tmp_path / "photo", tmp_path / "out.png"
        photo.write_bytes(file)
        command = [fovea_binary, "preprocess", "--preset", "none", "--size", str(SIDE), str(photo), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return np.asarray(Image.open(out))

    return run


@pytest.fixture
def warnings(fovea_binary, tmp_path):
    model = write_model(tmp_path / "tiny.fovea")

    def run(file):
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(file)
        command = [fovea_binary, "screen", "--model", str(model), "--force", "--format", "json", str(photo)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return [text for text in json.loads(done.stdout)[0]["warnings"] if text.startswith("image: ")]

    return run


def assert_close(found, expected):
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 2 and np.mean(difference > 1) < 0.02, (difference.max(), np.mean(difference > 1))


@pytest.mark.parametrize("name", PROFILES)
def test_matrix_profiles_as_littlecms(decode, name):
    pixels = colours()
    expected = to_srgb(pixels, PROFILES[name])
    assert np.abs(expected.astype(int) - pixels).max() > 4
    assert_close(decode(png(pixels, iccp(PROFILES[name]))), expected)


@pytest.mark.parametrize("parts", [1, 3])
def test_profiles_of_jpegs(decode, parts):
    stream = io.BytesIO()
    Image.fromarray(colours()).save(stream, "JPEG", quality=95)
    plain = stream.getvalue()
    content = PROFILES["4096 samples"]
    size = -(-len(content) // parts)
    pieces = [content[i * size : (i + 1) * size] for i in range(parts)]
    segments = [
        b"\xff\xe2" + struct.pack(">H", len(piece) + 16) + b"ICC_PROFILE\0" + bytes([i + 1, parts]) + piece
        for i, piece in enumerate(pieces)
    ]
    file = plain[:2] + b"".join(reversed(segments)) + plain[2:]  # in any order
    assert_close(decode(file), to_srgb(decode(plain), content))


def dcf(color_space, index, order="<"):
    """An EXIF segment of a camera that sets the colour space by DCF's index and embeds no profile."""
    def directory(*entries):
        return struct.pack(order + "H", len(entries)) + b"".join(struct.pack(order + "HHI", *e[:3]) + e[3] for e in entries) + bytes(4)

    first = directory((0x8769, 4, 1, struct.pack(order + "I", 26)))
    exif = directory((0xA001, 3, 1, struct.pack(order + "HH", color_space, 0)), (0xA005, 4, 1, struct.pack(order + "I", 56)))
    block = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8) + first + exif + directory((1, 2, 4, index + b"\0"))
    return b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block


def jpeg(*segments, **options):
    stream = io.BytesIO()
    Image.fromarray(colours()).convert(options.pop("mode", "RGB")).save(stream, "JPEG", quality=95, **options)
    return stream.getvalue()[:2] + b"".join(segments) + stream.getvalue()[2:]


@pytest.mark.parametrize("order", "<>")
def test_adobe_rgb_of_cameras_without_a_profile(decode, warnings, order):
    file = jpeg(dcf(0xFFFF, b"R03", order))
    assert Image.open(io.BytesIO(file)).getexif().get_ifd(0xA005)[1].rstrip("\0") == "R03"
    expected = to_srgb(decode(jpeg()), PROFILES["Adobe RGB"])
    assert np.abs(expected.astype(int) - decode(jpeg())).max() > 10
    assert_close(decode(file), expected)
    assert np.abs(decode(file).astype(int) - decode(jpeg(icc_profile=PROFILES["Adobe RGB"]))).max() <= 1
    assert warnings(file) == []


def test_what_cameras_say_of_other_colours_changes_nothing(decode, warnings):
    for color_space, index in ((1, b"R98"), (1, b"R03"), (0xFFFF, b"R98"), (0xFFFF, b"THM")):
        assert np.array_equal(decode(jpeg(dcf(color_space, index))), decode(jpeg()))
    p3 = PROFILES["Display P3"]
    assert np.array_equal(decode(jpeg(dcf(0xFFFF, b"R03"), icc_profile=p3)), decode(jpeg(icc_profile=p3)))  # a profile says it better
    assert np.array_equal(decode(jpeg(dcf(0xFFFF, b"R03"), mode="L")), decode(jpeg(mode="L")))


def raw_profile(block):
    """As ImageMagick and ExifTool spell out EXIF in a text of a PNG."""
    text = b"\nexif\n%8d\n" % len(block) + block.hex().encode() + b"\n"
    return (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))


@pytest.mark.parametrize("order", "<>")
def test_adobe_rgb_by_the_exif_of_a_png(decode, warnings, order):
    """What becomes of a camera's JPEG in a program that keeps its EXIF."""
    pixels = colours()
    block = dcf(0xFFFF, b"R03", order)[10:]
    expected = decode(png(pixels, iccp(PROFILES["Adobe RGB"])))
    for chunk in ((b"eXIf", block), raw_profile(block), raw_profile(b"Exif\0\0" + block)):
        file = png(pixels, chunk)
        assert Image.open(io.BytesIO(file)).getexif().get_ifd(0xA005)[1].rstrip("\0") == "R03"
        assert np.abs(decode(file).astype(int) - expected).max() <= 1
        assert warnings(file) == []
        for better in SAME["sRGB chunk before gAMA"], SAME["gAMA of sRGB"], [iccp(PROFILES["Display P3"])]:
            assert np.array_equal(decode(png(pixels, chunk, *better)), decode(png(pixels, *better)))
        assert np.array_equal(decode(png(pixels[..., 0], chunk)), decode(png(pixels[..., 0])))
    for color_space, index in ((1, b"R98"), (1, b"R03"), (0xFFFF, b"R98")):
        assert np.array_equal(decode(png(pixels, (b"eXIf", dcf(color_space, index)[10:]))), pixels)


def test_alpha_is_kept(decode):
    pixels = colours()
    alpha = np.tile(np.linspace(0, 255, SIDE).astype(np.uint8), (SIDE, 1))
    found = decode(png(np.dstack([pixels, alpha]), iccp(PROFILES["Display P3"])))
    on_black = (to_srgb(pixels, PROFILES["Display P3"]).astype(int) * alpha[..., None] + 127) // 255
    assert np.abs(found - on_black).max() <= 2


def test_grey_profiles(decode):
    pixels = np.arange(SIDE * SIDE, dtype=np.uint32).reshape(SIDE, SIDE).astype(np.uint8)
    content = profile({b"kTRC": gamma_curve(1.8)}, colors=b"GRAY")
    level = np.arange(256) / 255
    light = level**1.8
    expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    found = decode(png(pixels, iccp(content)))
    assert np.abs(found - expected[pixels][..., None]).max() <= 1


SAME = {
    "none": [],
    "sRGB by LittleCMS": [iccp(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())],
    "sRGB, parametric": [iccp(matrix_profile(SRGB, SRGB_CURVE))],
    "sRGB, 1024 samples": [iccp(matrix_profile(SRGB, sampled(1024, lambda x: x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4)))],
    "sRGB chunk before gAMA": [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))],
    "gAMA of sRGB": [(b"gAMA", struct.pack(">I", 45455))],
    "gAMA and cHRM of sRGB": [
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    ],
    "cICP of sRGB": [(b"cICP", bytes([1, 13, 0, 1]))],
}


@pytest.mark.parametrize("name", SAME)
def test_srgb_is_left_alone(decode, warnings, name):
    pixels = colours()
    file = png(pixels, *SAME[name])
    assert np.array_equal(decode(file), pixels)
    assert warnings(file) == []


def encoded(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("gamma", [100000, 55556, 35000, 45455])
@pytest.mark.parametrize("primaries", [None, "P3", "ADOBE"])
def test_png_gamma_and_primaries(decode, gamma, primaries):
    chunks = [(b"gAMA", struct.pack(">I", gamma))]
    matrix = np.eye(3)
    if primaries is not None:
        points = globals()[primaries]
        numbers = [round(v * 100000) for point in (D65, *points) for v in point]
        chunks.append((b"cHRM", struct.pack(">8I", *numbers)))
        matrix = np.linalg.inv(to_d50(SRGB)) @ to_d50(points)
    pixels = colours()
    light = (pixels / 255) ** (100000 / gamma)
    if gamma == 45455:  # means sRGB's curve
        light = np.where(pixels <= 10, pixels / 255 / 12.92, ((pixels / 255 + 0.055) / 1.055) ** 2.4)
    expected = np.round(encoded(np.clip(light @ matrix.T, 0, 1)))
    assert np.abs(decode(png(pixels, *chunks)) - expected).max() <= 2


def lut_profile():
    return matrix_profile(P3, SRGB_CURVE, more={b"A2B0": b"mAB " + bytes(28)})


UNKNOWN = {
    "tables": lut_profile(),
    "Lab": matrix_profile(P3, SRGB_CURVE, pcs=b"Lab "),
    "grey": profile({b"kTRC": gamma_curve(1.8)}, colors=b"GRAY"),
    "CMYK": matrix_profile(P3, SRGB_CURVE, colors=b"CMYK"),
    "device link": matrix_profile(P3, SRGB_CURVE, device=b"link"),
    "cut": PROFILES["Display P3"][:200],
    "empty": b"",
    "no picture": matrix_profile(((0.3, 0.3), (0.31, 0.3), (0.3, 0.31)), curve(0, 0)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_others_are_left_with_a_warning(decode, warnings, name):
    pixels = colours()
    file = png(pixels, iccp(UNKNOWN[name]))
    assert np.array_equal(decode(file), pixels)
    found = warnings(file)
    assert len(found) == 1 and "colour profile" in found[0]


def test_a_photo_with_a_profile(decode, warnings):
    photo = Image.open(SAMPLES[0]).resize((SIDE, SIDE))
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=95, icc_profile=PROFILES["Adobe RGB"])
    plain = io.BytesIO()
    photo.save(plain, "JPEG", quality=95)
    assert_close(decode(stream.getvalue()), to_srgb(decode(plain.getvalue()), PROFILES["Adobe RGB"]))
    assert warnings(stream.getvalue()) == []
