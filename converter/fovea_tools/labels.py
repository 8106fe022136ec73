# SPDX-License-Identifier: Apache-2.0
"""The one reader of label files, for training and for evaluation. Which data set a file is of is seen from its header."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import re
from typing import Dict, List, Mapping, Optional, Union

from . import tables
from .label_sets import LABEL_SETS, MESSIDOR_COPIES, MESSIDOR_GRADES, OWN_NAME, OWN_ROLES, Label, LabelSet, own_set, refuse_contradictions
from .tables import TableError

LabelError = TableError  # whatever is wrong with a label file; the message names file, line and cause

TARGETS = ("any", "referable")


@dataclasses.dataclass(frozen=True)
class LabelFile:
    path: str
    data_set: str           # "APTOS 2019", "IDRiD", ... or "own"
    labels: List[Label]     # in the order of the file, each photo once
    notes: List[str]        # what the reader changed: errata, copies left out
    without_patient: List[str] = dataclasses.field(default_factory=list)    # photos for which the patient's column is empty


def _label_set(table: tables.Table, roles: Mapping[str, str]) -> LabelSet:
    if not roles:
        for known in LABEL_SETS:
            if set(known.needs) <= set(table.header):
                return known
    own = own_set(table, dict(roles))
    if own:
        return own
    pairs = "; ".join(f"{', '.join(known.needs)} ({known.name})" for known in LABEL_SETS)
    raise LabelError(f"{table.path}: no known pair of columns in the header {table.header}. Known: {pairs}; "
                     f"{' or '.join(OWN_ROLES['photo'])} with grade or dr (own)")


def _messidor_errata(listed: List[Label], notes: List[str]) -> List[Label]:
    """The photos without the published copies and with the published grades. Ids are unique over all bases."""
    original = {copy: kept for kept, copy in MESSIDOR_COPIES}
    names = {label.name.rpartition("/")[2]: label.name for label in listed}
    found = []
    for label in listed:
        photo = label.name.rpartition("/")[2]
        grade = MESSIDOR_GRADES.get(photo, label.grade)
        if original.get(photo) in names:
            notes.append(f"published erratum: {label.name} is the same photo as {names[original[photo]]} and is left out")
            continue
        if grade != label.grade:
            notes.append(f"published erratum: {label.name} has grade {grade}, not {label.grade}")
            label = dataclasses.replace(label, grade=grade)
        found.append(label)
    return found


def read_file(path: Union[str, pathlib.Path], errata: bool = True, roles: Optional[Mapping[str, str]] = None,
              patient_column: Optional[str] = None) -> LabelFile:
    """Reads a label file of any data set in label_sets.py or of one's own.

    Byte-order marks, blanks, empty columns and lines, quotes and ids with a picture ending are accepted. A grade off the scale,
    a photo listed twice with different labels, and columns for one thing that contradict each other are errors; x.jpg and x.png
    are two photos where both are listed so. errata: apply what the makers of Messidor published.
    roles: {role: column}, roles as in OWN_ROLES, for a file of one's own with other headers.
    patient_column: names the patients in a file of any data set; where its cell is empty the photo's name tells.
    """
    table = tables.read(path)
    known = _label_set(table, roles or {})
    column = patient_column.strip().lower() if patient_column is not None else None
    if column is not None and column not in table.header:
        raise LabelError(f"{table.path}: no column '{patient_column}' for the patient; the header has {table.header}")
    without_patient: List[str] = []
    listed: Dict[str, List[Label]] = collections.defaultdict(list)
    found: List[Label] = []
    for row in table.rows:
        labels = known.labels(row)
        if not roles:
            refuse_contradictions(row)
        for label in labels:
            if row.get(column):
                label = dataclasses.replace(label, patient=row.get(column))
            elif column is not None:
                without_patient.append(label.name)
            same = [one for one in listed[label.name] if one.ending == label.ending or not (one.ending and label.ending)]
            for earlier in same:
                if dataclasses.replace(earlier, ending=label.ending) != label:
                    before = f"grade {earlier.grade}" if earlier.grade != label.grade else "another label"
                    raise LabelError(f"{row.place}: '{label.name}' was listed before with {before}")
            if not same:
                listed[label.name].append(label)
                found.append(label)
    if not found:
        raise LabelError(f"{table.path}: no photo in it")
    notes: List[str] = []
    if known.name == "Messidor" and errata:
        found = _messidor_errata(found, notes)
    # A clinic that took over a data set's columns has not taken over its photos.
    named = all(re.fullmatch(known.ids, label.name.rpartition("/")[2]) for label in found)
    return LabelFile(str(path), known.name if named else OWN_NAME, found, notes, list(dict.fromkeys(without_patient)))
