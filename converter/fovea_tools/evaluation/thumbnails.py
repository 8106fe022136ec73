# SPDX-License-Identifier: Apache-2.0
"""Small copies of photos for a page. The photos are anyone's: what cannot be shown is told, never an end of the evaluation."""

from __future__ import annotations

import base64
import io
import pathlib
import warnings
from typing import Dict, Iterator, List, Sequence, Tuple

from PIL import Image, ImageOps, UnidentifiedImageError

SIDE = 240                  # of the longer side, in pixels
MOST_PIXELS = 100_000_000   # of a photo that is opened
MOST_BYTES = 1 << 28
LONGEST_PATH = 4096         # characters
MOST_FOLDERS = 32           # of a path that count
KINDS = ("JPEG", "PNG", "TIFF", "BMP", "PPM")


def places(folder: pathlib.Path, file: str) -> Iterator[pathlib.Path]:
    """The photos below the folder that the predictions may mean by `file`: whatever the path began with when it was screened, as many of
    its last parts as there are below the folder, most first."""
    if len(file) > LONGEST_PATH:
        return
    parts = [part for part in file.replace("\\", "/").split("/") if part not in ("", ".")][-MOST_FOLDERS:]
    if not parts or ".." in parts:
        return
    for first in range(len(parts)):
        path = folder.joinpath(*parts[first:])
        try:
            if path.is_file():
                yield path
        except (OSError, ValueError):
            return


def read(path: pathlib.Path) -> bytes:
    """The file, if it is not too large."""
    with open(path, "rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError("the file is too large to be shown")
    return data


def small_copy(data: bytes, side: int = SIDE) -> Image.Image:
    """The picture upright and no larger than the side; pixels alone, without anything that the file says of them."""
    try:
        small = _upright(data, side)
    except UnidentifiedImageError as error:     # its text names an address in memory
        raise ValueError("it is no picture that can be read") from error
    small.thumbnail((side, side))
    return Image.frombytes("RGB", small.size, small.tobytes())


def _upright(data: bytes, side: int) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=KINDS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError("the picture is too large to be shown")
            image.draft("RGB", (2 * side, 2 * side))
            return _rgb(ImageOps.exif_transpose(image))


def _rgb(image: Image.Image) -> Image.Image:
    """As the engine sees it: sixteen bits by their high byte, what is transparent on black."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    return image.convert("RGB")


def data_address(picture: Image.Image) -> str:
    """The picture as a JPEG inside its own address."""
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def of_files(folder: pathlib.Path, files: Sequence[str]) -> Tuple[Dict[str, str], List[str]]:
    """({file: data address of a small JPEG}, what of the rest cannot be shown and why)."""
    shown, missing = {}, []
    for file in files:
        path = next(places(folder, file), None)
        if path is None:
            missing.append(f"{file} (not below {folder})")
            continue
        try:
            shown[file] = data_address(small_copy(read(path)))
        except Exception as error:  # a decoder may raise anything over a damaged photo
            missing.append(f"{file} ({str(error) or type(error).__name__})")
    return shown, missing
