# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of decode_fuzz: tiny pictures of every kind that the decoder reads, and a few that it refuses.

usage: make_decode_corpus.py OUT_FOLDER        (needs numpy and Pillow)
"""

import io
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

OUT = pathlib.Path(sys.argv[1])
RNG = np.random.default_rng(5)


def picture(width, height, channels=3):
    y, x = np.mgrid[0:height, 0:width]
    disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) * 0.45) ** 2
    values = np.where(disc[..., None], [180, 90, 40, 255], [2, 1, 0, 90])[..., :channels]
    values = np.clip(values + RNG.integers(0, 9, values.shape), 0, 255).astype(np.uint8)
    return values[..., 0] if channels == 1 else values


def save(name, image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    (OUT / name).write_bytes(stream.getvalue())


def save_interlaced(name, values):
    """Adam7, which Pillow reads but does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b"".join(
        b"\0" + row.tobytes() for x, y, dx, dy in passes for row in values[y::dy, x::dx] if row.size
    )
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 8, 2, 0, 0, 1)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
    (OUT / name).write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def display_p3():
    """A profile of a matrix and one curve for all channels, as small as can be."""
    columns = {b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2920, 0.6922, 0.0419), b"bXYZ": (0.1571, 0.0666, 0.7841)}

    def fixed(*values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    data = b"".join(b"XYZ " + bytes(4) + fixed(*column) for column in columns.values()) + curve
    start = 132 + 12 * 6
    places = {name: (start + 20 * i, 20) for i, name in enumerate(columns)}
    places |= {name: (start + 60, len(curve)) for name in (b"rTRC", b"gTRC", b"bTRC")}
    table = b"".join(name + struct.pack(">II", *place) for name, place in places.items())
    header = struct.pack(">I4sI4s4s4s", start + len(data), b"none", 0x04300000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    return header.ljust(128, b"\0") + struct.pack(">I", 6) + table + data


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def save_odd_jpegs(rgb):
    """Departures from the standard that leave no doubt about the pixels, and what stands in segments."""
    stream = io.BytesIO()
    rgb.save(stream, "JPEG", quality=70, optimize=True)
    plain = stream.getvalue()
    profile = display_p3()
    parts = [profile[:200], profile[200:]]
    icc = b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes([i + 1, 2]) + part) for i, part in enumerate(parts))
    (OUT / "profile.jpg").write_bytes(plain[:2] + icc + plain[2:])
    xmp = b'http://ns.adobe.com/xap/1.0/\0<rdf:Description tiff:Orientation="6"/>'
    (OUT / "xmp6.jpg").write_bytes(plain[:2] + segment(0xE1, xmp) + plain[2:])
    # Equal component numbers, odd spectral numbers, a height behind the data, bytes before it.
    odd = plain.replace(b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01", b"\x03\x01\x22\x00\x01\x11\x01\x01\x11\x01")
    odd = odd.replace(b"\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00", b"\x03\x01\x00\x01\x11\x01\x11\x01\x3f\x10")
    odd = odd[:-2] + b"\x12\x34" + segment(0xDC, struct.pack(">H", rgb.height)) + odd[-2:]
    (OUT / "odd.jpg").write_bytes(odd)


def save_pngs_with_metadata(rgb):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    stream = io.BytesIO()
    rgb.save(stream, "PNG")
    plain = stream.getvalue()
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    digits = f"\nexif\n{len(tiff):8}\n{tiff.hex()}\n".encode()
    for name, added in {
        "profile.png": chunk(b"iCCP", b"p3\0\0" + zlib.compress(display_p3(), 9)),
        "gamma.png": chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"cHRM", struct.pack(
            ">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
        "exif_profile6.png": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(digits, 9)),
        "xmp6.png": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>6</tiff:Orientation>"),
    }.items():
        (OUT / name).write_bytes(plain[:33] + added + plain[33:])


def main():
    rgb = Image.fromarray(picture(18, 13))
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, options in {
        "baseline_444.jpg": {"subsampling": 0},
        "baseline_420.jpg": {"subsampling": 2},
        "baseline_422_exif6.jpg": {"subsampling": 1, "exif": exif},
        "progressive_444.jpg": {"subsampling": 0, "progressive": True},
        "progressive_420.jpg": {"subsampling": 2, "progressive": True, "quality": 95},
        "restart_420.jpg": {"subsampling": 2, "restart_marker_blocks": 1},
        "progressive_restart.jpg": {"progressive": True, "restart_marker_blocks": 1},
    }.items():
        save(name, rgb, "JPEG", **{"quality": 70, "optimize": True} | options)
    save("gray.jpg", Image.fromarray(picture(9, 17, 1)), "JPEG", quality=60, optimize=True)
    save("one_pixel.jpg", Image.fromarray(picture(1, 1)), "JPEG", optimize=True)
    save("cmyk.jpg", rgb.convert("CMYK"), "JPEG", quality=50, optimize=True)

    save("rgb.png", rgb, "PNG")
    save("rgba.png", Image.fromarray(picture(11, 7, 4)), "PNG")
    save("gray.png", Image.fromarray(picture(11, 7, 1)), "PNG")
    save("gray16.png", Image.fromarray(picture(6, 5, 1).astype(np.uint16) * 257), "PNG")
    save("bilevel.png", Image.fromarray(picture(19, 5, 1) > 99), "PNG")
    save("palette.png", rgb.quantize(11), "PNG")
    save("palette_transparent.png", rgb.quantize(5), "PNG", transparency=b"\x00\x80\xff")
    save("one_pixel.png", Image.fromarray(picture(1, 1)), "PNG")
    save("exif8.png", rgb, "PNG", exif=(lambda e: (e.__setitem__(0x0112, 8), e)[1])(Image.Exif()))
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "ancillary")
    save("text.png", rgb, "PNG", pnginfo=text)
    save_interlaced("interlaced.png", picture(10, 11))
    small = Image.fromarray(picture(12, 9))
    save_odd_jpegs(small)
    save_pngs_with_metadata(small)
    (OUT / "webp_signature").write_bytes(b"RIFF\x10\x00\x00\x00WEBPVP8 ")
    (OUT / "empty").write_bytes(b"")


main()
