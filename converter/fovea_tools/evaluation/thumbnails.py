# SPDX-License-Identifier: Apache-2.0
"""Small copies of photos for a page. The photos are anyone's: what cannot be shown is told, never an end of the evaluation."""

from __future__ import annotations

import base64
import io
import pathlib
import warnings
from typing import Dict, List, Optional, Sequence, Tuple

from PIL import Image, ImageOps

SIDE = 240                  # of the longer side, in pixels
MOST_PIXELS = 100_000_000   # of a photo that is opened
MOST_BYTES = 1 << 28
KINDS = ("JPEG", "PNG", "TIFF", "BMP", "PPM")


def find(folder: pathlib.Path, file: str) -> Optional[pathlib.Path]:
    """The photo below the folder that the predictions call `file`: whatever the path began with when it was screened, as many of its
    last parts as there are below the folder."""
    parts = [part for part in file.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return None
    for first in range(len(parts)):
        path = folder.joinpath(*parts[first:])
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):
            return None
    return None


def _thumbnail(path: pathlib.Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError("the file is too large to be shown")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=KINDS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError("the picture is too large to be shown")
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            small = ImageOps.exif_transpose(image).convert("RGB")
    small.thumbnail((SIDE, SIDE))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=80)
    return data.getvalue()


def of_files(folder: pathlib.Path, files: Sequence[str]) -> Tuple[Dict[str, str], List[str]]:
    """({file: data address of a small JPEG}, what of the rest cannot be shown and why)."""
    shown, missing = {}, []
    for file in files:
        path = find(folder, file)
        if path is None:
            missing.append(f"{file} (not below {folder})")
            continue
        try:
            shown[file] = "data:image/jpeg;base64," + base64.b64encode(_thumbnail(path)).decode("ascii")
        except Exception as error:  # a decoder may raise anything over a damaged photo
            missing.append(f"{file} ({str(error) or type(error).__name__})")
    return shown, missing
