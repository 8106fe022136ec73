# SPDX-License-Identifier: Apache-2.0
"""The orientation of photos, in every place and form that programs write it: `fovea` turns as Pillow does (ImageOps.exif_transpose)."""
import io
import struct
import subprocess
import zlib

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
ImageOps = pytest.importorskip("PIL.ImageOps")

WIDTH, HEIGHT, SIDE = 64, 48, 64
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}
SHORT, LONG, DIRECTORY = 3, 4, 13


def picture():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return Image.fromarray(np.stack([x * 4, y * 5, 255 - x * 2 - y], axis=2).astype(np.uint8))


def upright(orientation, image):
    return image.transpose(getattr(Image.Transpose, TURNS[orientation])) if orientation in TURNS else image


def tiff(orientation, order="<", kind=SHORT, count=1, second=None):
    """A directory with this orientation (none for None), and a second one of the thumbnail's."""
    code = {SHORT: "H", LONG: "I", DIRECTORY: "I"}[kind]
    values = struct.pack(f"{order}{count}{code}", *[orientation or 0] * count)
    entries = [(0x010F, 2, 4, b"fov\0")]
    next_at = 8 + 2 + 12 * (1 if orientation is None else 2) + 4
    if orientation is not None:
        place = values.ljust(4, b"\0") if len(values) <= 4 else struct.pack(order + "I", next_at + 18)
        entries.append((0x0112, kind, count, place))
    block = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, len(entries))
    for tag, kind_of_tag, number, place in entries:
        block += struct.pack(order + "HHI", tag, kind_of_tag, number) + place
    block += struct.pack(order + "I", 0 if second is None else next_at)
    block += struct.pack(order + "HHHIHHI", 1, 0x0112, SHORT, 1, second or 0, 0, 0)
    return block + (values if len(values) > 4 else b"")


def exif(block, header=b"Exif\0\0"):
    return 0xE1, header + block


def xmp(text):
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>{text}</rdf:RDF></x:xmpmeta>'
    return 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()


def attribute(orientation):
    return xmp(f'<rdf:Description tiff:Make="fov" tiff:Orientation="{orientation}"/>')


def element(orientation):
    return xmp(f"<rdf:Description><tiff:Orientation>{orientation}</tiff:Orientation></rdf:Description>")


def mpf(block):
    return 0xE2, b"MPF\0" + block


def jpeg(*segments):
    stream = io.BytesIO()
    picture().save(stream, "JPEG", quality=92, subsampling=0)
    file = stream.getvalue()
    added = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments)
    return file[:20] + added + file[20:]


def png(*chunks, at_end=False):
    stream = io.BytesIO()
    picture().save(stream, "PNG")
    file = stream.getvalue()
    added = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    place = len(file) - 12 if at_end else 33
    return file[:place] + added + file[place:]


def raw_profile(block, name="exif", kind=b"zTXt", header=b""):
    digits = (header + block).hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{name}\n{len(digits) // 2:8}\n{lines}\n".encode()
    keyword = f"Raw profile type {name}".encode() + b"\0"
    return kind, keyword + {
        b"tEXt": lambda: text,
        b"zTXt": lambda: b"\0" + zlib.compress(text),
        b"iTXt": lambda: b"\1\0en\0keyword\0" + zlib.compress(text),
    }[kind]()


def png_xmp(text, compressed=False):
    body = text.encode()
    flags = b"\1\0" if compressed else b"\0\0"
    return b"iTXt", b"XML:com.adobe.xmp\0" + flags + b"\0\0" + (zlib.compress(body) if compressed else body)


ELEMENT = "<tiff:Orientation>8</tiff:Orientation>"
# name: (file, the orientation that counts)
FILES = {
    **{f"{o}, {order}": (jpeg(exif(tiff(o, order))), o) for o in range(1, 9) for order in "<>"},
    **{f"{o} as a long, {order}": (jpeg(exif(tiff(o, order, LONG))), o) for o in (3, 6, 8) for order in "<>"},
    **{f"6, {n} times, {k}, {order}": (jpeg(exif(tiff(6, order, k, n))), 6) for n in (2, 3) for k in (SHORT, LONG) for order in "<>"},
    **{f"of the type of a directory, {o}, {order}": (jpeg(exif(tiff(o, order, DIRECTORY))), o) for o in (3, 6, 8) for order in "<>"},
    "Exif with 0xFF": (jpeg(exif(tiff(6), b"Exif\0\xff")), 6),
    "thumbnail alone": (jpeg(exif(tiff(None, second=6))), 1),
    "thumbnail differs": (jpeg(exif(tiff(3, second=6))), 3),
    "no meaning: 0": (jpeg(exif(tiff(0))), 1),
    "no meaning: 9": (jpeg(exif(tiff(9))), 1),
    "XMP attribute": (jpeg(attribute(6)), 6),
    "XMP element": (jpeg(element(8)), 8),
    "XMP before EXIF without the tag": (jpeg(element(8), exif(tiff(None))), 8),
    "EXIF before XMP": (jpeg(exif(tiff(3)), attribute(6)), 3),
    "XMP before EXIF": (jpeg(attribute(6), exif(tiff(3))), 3),
    "EXIF of no meaning before XMP": (jpeg(exif(tiff(9)), attribute(6)), 1),
    "damaged EXIF and XMP": (jpeg(exif(b"XX" + tiff(3)[2:]), attribute(6)), 6),
    "pictures of a multi-picture file": (jpeg(exif(tiff(3)), mpf(tiff(6))), 3),
    "multi-picture index alone": (jpeg(mpf(tiff(6))), 1),
    "two EXIF segments": (jpeg(exif(tiff(3)), exif(tiff(6))), 3),
    "second picture behind the end": (jpeg(exif(tiff(3))) + jpeg(exif(tiff(6))), 3),
    **{f"PNG eXIf {o}, {order}": (png((b"eXIf", tiff(o, order))), o) for o in range(1, 9) for order in "<>"},
    "PNG eXIf behind the data": (png((b"eXIf", tiff(6)), at_end=True), 6),
    "PNG eXIf with a JPEG's header": (png((b"eXIf", b"Exif\0\0" + tiff(6))), 6),
    **{f"PNG profile in {kind.decode()}": (png(raw_profile(tiff(6, ">"), kind=kind)), 6) for kind in (b"tEXt", b"zTXt", b"iTXt")},
    "PNG profile with a JPEG's header": (png(raw_profile(tiff(8), header=b"Exif\0\0")), 8),
    "PNG profile APP1": (png(raw_profile(tiff(8), name="APP1", header=b"Exif\0\0")), 8),
    "PNG profile behind the data": (png(raw_profile(tiff(6)), at_end=True), 6),
    "PNG eXIf before the profile": (png(raw_profile(tiff(6)), (b"eXIf", tiff(3))), 3),
    "PNG XMP": (png(png_xmp(ELEMENT)), 8),
    "PNG XMP, compressed": (png(png_xmp(ELEMENT, compressed=True)), 8),
    "PNG eXIf without the tag, XMP": (png((b"eXIf", tiff(None)), png_xmp(ELEMENT)), 8),
    "PNG profile that does not inflate": (png((b"zTXt", b"Raw profile type exif\0\0\x78\x9c\xff\xff")), 1),
}
# Where fovea knows more than Pillow, or Pillow fails.
NOT_PILLOW = {"Exif with 0xFF", "damaged EXIF and XMP", "PNG profile APP1"}


@pytest.mark.parametrize("name", FILES)
def test_orientations(fovea_binary, tmp_path, name):
    file, orientation = FILES[name]
    stored = Image.open(io.BytesIO(file)).convert("RGB")
    expected = np.asarray(upright(orientation, stored)).astype(int)
    if name not in NOT_PILLOW:
        by_pillow = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB"))
        assert np.array_equal(by_pillow, expected)
    photo, out = tmp_path / "photo", tmp_path / "out.png"
    photo.write_bytes(file)
    command = [fovea_binary, "preprocess", "--preset", "none", "--pad-square", "--size", str(SIDE), str(photo), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    top, left = (SIDE - expected.shape[0]) // 2, (SIDE - expected.shape[1]) // 2
    found = np.asarray(Image.open(out))[top : top + expected.shape[0], left : left + expected.shape[1]]
    assert np.abs(found - expected).max() <= 4
