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
    (OUT / "webp_signature").write_bytes(b"RIFF\x10\x00\x00\x00WEBPVP8 ")
    (OUT / "empty").write_bytes(b"")


main()
