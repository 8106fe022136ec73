# SPDX-License-Identifier: Apache-2.0
"""Reads which photo was used for what: the split.csv of the training recipe, or any table with a photo and a side."""

from __future__ import annotations

import dataclasses
from typing import Dict, Optional, Tuple

from .. import tables
from ..label_sets import without_ending
from . import EvaluationError

PHOTO_COLUMNS = ("name", "file", "photo", "image", "id_code", "image name")
SIDE_COLUMNS = ("side", "split", "part", "set")
PARTS = ("train", "validation", "test")  # in the order of the thesis's tables
DROPPED = "dropped"
SIDES = {"train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
         "test": "test", "testing": "test", "dropped": DROPPED}


@dataclasses.dataclass(frozen=True)
class Place:
    part: str               # train, validation, test or dropped
    group: str              # photos that belong together (one patient, near copies); "" where the file does not say


class Split:
    def __init__(self, path: str, places: Dict[Tuple[str, str], Place]) -> None:
        self.path = path
        self._places = places

    def find(self, source: str, name: str) -> Optional[Place]:
        """The place of a photo; a file without sources holds for all of them."""
        stem = name.rpartition("/")[2]
        return self._places.get((source, stem)) or self._places.get(("", stem))


def read(path: str) -> Split:
    table = tables.read(path)
    photo, side = table.first_of(PHOTO_COLUMNS), table.first_of(SIDE_COLUMNS)
    if not photo or not side:
        raise EvaluationError(f"{path}: no column for the photo ({', '.join(PHOTO_COLUMNS)}) or none for the side "
                              f"({', '.join(SIDE_COLUMNS)}) in the header {table.header}")
    source, group = table.first_of(("source",)), table.first_of(("group",))
    places: Dict[Tuple[str, str], Place] = {}
    for row in table.rows:
        part = SIDES.get(row[side].lower())
        if part is None:
            raise EvaluationError(f"{row.place}: the side '{row[side]}' is none of {', '.join(SIDES)}")
        key = (row.get(source), without_ending(row[photo].replace("\\", "/")).rpartition("/")[2])
        place = Place(part, row.get(group))
        if places.setdefault(key, place) != place:
            raise EvaluationError(f"{row.place}: '{row[photo]}' was listed before on another side or in another group")
    return Split(path, places)
