# SPDX-License-Identifier: Apache-2.0
"""Small copies of the photos that were screened, and of the heat maps laid over them."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from typing import Iterator, Optional

from ..evaluation import thumbnails
from ..evaluation.predictions import Prediction

MOST_STRETCH = 0.02     # by how much the shapes of photo and heat map may differ


@dataclasses.dataclass(frozen=True)
class Places:
    """Where photos and heat maps are looked for. None: where the results say, and below their folder."""

    results: pathlib.Path
    photos: Optional[pathlib.Path]
    maps: Optional[pathlib.Path]

    def of_photo(self, path: str) -> Iterator[pathlib.Path]:
        if self.photos is not None:
            yield from thumbnails.places(self.photos, path)
            return
        try:
            if pathlib.Path(path).is_file():
                yield pathlib.Path(path)
        except (OSError, ValueError):
            return
        yield from thumbnails.places(self.results, path)

    def of_map(self, path: str) -> Iterator[pathlib.Path]:
        """Nothing vouches for a heat map as the checksum does for a photo: only what lies below the folders is taken."""
        return thumbnails.places(self.maps or self.results, path)


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Addresses of the pictures, "" where there is none; missing: why a picture is not there, "" where nothing is wrong."""

    photo: str = ""
    overlay: str = ""
    width: int = 0
    height: int = 0
    missing: str = ""


def _cause(error: Exception) -> str:
    """Without the path, which an OSError's own text would have."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _photo_bytes(prediction: Prediction, places: Places) -> bytes:
    """The very file that was screened; another one of its name is not shown."""
    if not prediction.sha256:
        raise ValueError("the results have no checksum of the photo")
    others = 0
    for path in places.of_photo(prediction.path):
        data = thumbnails.read(path)
        if hashlib.sha256(data).hexdigest() == prediction.sha256:
            return data
        others += 1
    raise ValueError("the file is not the one that was screened" if others else "the file was not found")


def of(prediction: Prediction, places: Places, side: int) -> Pictures:
    """The pictures of one photo, no larger than the side. What cannot be shown is told, never an end of the report."""
    try:
        photo = thumbnails.small_copy(_photo_bytes(prediction, places), side)
    except Exception as error:  # a decoder may raise anything over a damaged photo
        return Pictures(missing=f"photo not shown: {_cause(error)}")
    shown = Pictures(thumbnails.data_address(photo), width=photo.width, height=photo.height)
    if not prediction.overlay:
        return shown
    try:
        path = next(places.of_map(prediction.overlay), None)
        if path is None:
            raise ValueError("the file was not found")
        overlay = thumbnails.small_copy(thumbnails.read(path), side)
        if abs(overlay.width * photo.height / (overlay.height * photo.width) - 1) > MOST_STRETCH:
            raise ValueError("it has another shape than the photo")
        return dataclasses.replace(shown, overlay=thumbnails.data_address(overlay.resize(photo.size)))
    except Exception as error:
        return dataclasses.replace(shown, missing=f"heat map not shown: {_cause(error)}")
