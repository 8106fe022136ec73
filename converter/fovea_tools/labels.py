# SPDX-License-Identifier: Apache-2.0
"""The one reader of label files, for training and for evaluation. Which data set a file is of is seen from its header."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Dict, List, Mapping, Optional, Union

from . import tables
from .label_sets import LABEL_SETS, MESSIDOR_COPIES, MESSIDOR_GRADES, OWN_ROLES, Label, LabelSet, own_set
from .tables import TableError

LabelError = TableError  # whatever is wrong with a label file; the message names file, line and cause

TARGETS = ("any", "referable")


@dataclasses.dataclass(frozen=True)
class LabelFile:
    path: str
    data_set: str           # "APTOS 2019", "IDRiD", ... or "own"
    labels: List[Label]     # in the order of the file, each photo once
    notes: List[str]        # what the reader changed: errata, copies left out


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


def _messidor_errata(labels: Dict[str, Label], notes: List[str]) -> Dict[str, Label]:
    """The photos without the published copies and with the published grades. Ids are unique over all bases."""
    ids = {name.rpartition("/")[2]: name for name in labels}
    for photo, grade in MESSIDOR_GRADES.items():
        name = ids.get(photo)
        if name and labels[name].grade != grade:
            notes.append(f"published erratum: {name} has grade {grade}, not {labels[name].grade}")
            labels[name] = dataclasses.replace(labels[name], grade=grade)
    for kept, copy in MESSIDOR_COPIES:
        if kept in ids and copy in ids:
            notes.append(f"published erratum: {ids[copy]} is the same photo as {ids[kept]} and is left out")
            del labels[ids[copy]]
    return labels


def read_file(path: Union[str, pathlib.Path], errata: bool = True, roles: Optional[Mapping[str, str]] = None) -> LabelFile:
    """Reads a label file of any data set in label_sets.py or of one's own.

    Byte-order marks, blanks, empty columns and lines, quotes and ids with a picture ending are accepted. A grade off the scale
    and a photo listed twice with different labels are errors. errata: apply what the makers of Messidor published.
    roles: {role: column}, roles as in OWN_ROLES, for a file of one's own with other headers.
    """
    table = tables.read(path)
    known = _label_set(table, roles or {})
    labels: Dict[str, Label] = {}
    for row in table.rows:
        for label in known.labels(row):
            earlier = labels.setdefault(label.name, label)
            if earlier != label:
                before = f"grade {earlier.grade}" if earlier.grade != label.grade else "another label"
                raise LabelError(f"{row.place}: '{label.name}' was listed before with {before}")
    if not labels:
        raise LabelError(f"{table.path}: no photo in it")
    notes: List[str] = []
    if known.name == "Messidor" and errata:
        labels = _messidor_errata(labels, notes)
    return LabelFile(str(path), known.name, list(labels.values()), notes)
