# SPDX-License-Identifier: Apache-2.0
"""Whose eye a photo shows: by a table of one's own, or by the photo's name."""

from __future__ import annotations

import dataclasses
from typing import Dict, List, Optional, Tuple

from .. import tables
from ..label_sets import OWN_ROLES, eye_of_cell, patient_and_eye, without_ending
from ..terminal import printable
from . import ReportError

PHOTO_COLUMNS = (*OWN_ROLES["photo"], "image", "name")


@dataclasses.dataclass(frozen=True)
class Person:
    patient: str    # "" where nobody says
    eye: str        # "left", "right" or ""
    folder: str = ""    # where a patient is known by the photo's name: those of one name in two folders may be two people


def parts_of(path: str) -> Tuple[str, ...]:
    """The folders and the name without ending, whatever system wrote the path."""
    return tuple(part for part in without_ending(path.replace("\\", "/")).split("/") if part not in ("", "."))


class People:
    """table: a CSV with the columns file, patient and, if it likes, eye; None: the photos' names tell."""

    def __init__(self, table: Optional[str] = None) -> None:
        self._rows: Optional[Dict[str, List[Tuple[Tuple[str, ...], Person]]]] = None
        if table is None:
            return
        found = tables.read(table)
        photo, patient = found.first_of(PHOTO_COLUMNS), found.first_of(OWN_ROLES["patient"])
        if not photo or not patient:
            raise ReportError(f"{table}: the header {found.header} needs a column file (or {', '.join(PHOTO_COLUMNS[1:])}) and a column patient")
        eye = found.first_of(OWN_ROLES["eye"])
        self._rows = {}
        for row in found.rows:
            parts = parts_of(row[photo])
            if not parts or not row[patient]:
                raise ReportError(f"{row.place}: the photo's or the patient's cell is empty")
            person = Person(printable(row[patient]), eye_of_cell(row, eye) or patient_and_eye("/".join(parts))[1])
            same = self._rows.setdefault(parts[-1], [])
            if any(known == parts and other != person for known, other in same):
                raise ReportError(f"{row.place}: '{row[photo]}' was listed before with another patient or eye")
            same.append((parts, person))

    def of(self, path: str) -> Person:
        """Of the photo with this path. The row with most of the path's last parts counts; where two say different things, none does."""
        parts = parts_of(path)
        if self._rows is None:
            patient, eye = patient_and_eye("/".join(parts))
            if not eye:
                return Person("", "")
            # ward/7_left and ward/7/left: patient 7 in the folder ward.
            folders = patient.split("/")[:-1] if "/" in patient else parts[:-1]
            return Person(printable(patient.rpartition("/")[2]), eye, printable("/".join(folders)))
        rows = [(known, person) for known, person in self._rows.get(parts[-1] if parts else "", []) if parts[-len(known):] == known]
        longest = max((len(known) for known, _ in rows), default=0)
        people = {person for known, person in rows if len(known) == longest}
        return people.pop() if len(people) == 1 else Person("", "")
