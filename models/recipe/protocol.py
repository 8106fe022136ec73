# SPDX-License-Identifier: Apache-2.0
"""The thesis's protocol beside an honest one: the same photos and settings, only the order of copying and splitting differs.

thesis: every photo becomes k pictures, itself and rotated copies; then the pictures are split. Copies of one photo lie on all sides.
honest: the photos are split, groups whole; then those to train on are copied. Validation and test hold each photo once, as it is.
"""
import dataclasses

import numpy as np
from sklearn.model_selection import train_test_split

from . import dataset, rotations, split
from . import settings as settings_module

# The shares of the thesis's table 3.3: 2,191 of 21,910 pictures to test, 3,847 of the other 19,719 to validate.
TEST, VALIDATION = 0.10, 0.195
PARTS = ("train", "validation", "test")


class ProtocolError(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Parts:
    """The sides of a split by name, and what was left out."""

    sides: dict
    dropped: int

    def leaked(self):
        """{part: share of its pictures of whose photo, its copies or its patient a picture is trained on}."""
        known = np.unique(self.sides["train"]["groups"])
        return {part: float(np.isin(self.sides[part]["groups"], known).mean()) for part in PARTS[1:]}


def _thesis(settings, collection):
    everything = dataset.side(collection, range(len(collection.photos)), settings_module.positive_from(settings))
    training, seed = settings["training"], settings["split"]["seed"]
    pictures = rotations.expand(everything, settings["augment"]["rotations"], training["class_balance"], training["seed"])
    positive = pictures["positive"]
    rest, test = train_test_split(np.arange(len(positive)), test_size=TEST, stratify=positive, random_state=seed)
    train, validation = train_test_split(rest, test_size=VALIDATION, stratify=positive[rest], random_state=seed)
    return Parts({part: rotations.choose(pictures, rows) for part, rows in zip(PARTS, (train, validation, test))}, 0)


def _honest(settings, collection):
    photos, first_positive, seed = collection.photos, settings_module.positive_from(settings), settings["split"]["seed"]
    keep = split.drop_copies(photos, collection.hashes, dataset.is_positive(first_positive))

    def taken(share, among):
        """(rows of the groups that make up this share, whether a row is among the others)."""
        side = split.assign(photos, collection.group, among, {photo.source: share for photo in photos}, seed)
        return [i for i, where in enumerate(side) if where == split.VALIDATION], [where == split.TRAIN for where in side]

    test, others = taken(TEST, keep)
    validation, others = taken(VALIDATION, others)
    rows = {"train": np.flatnonzero(others), "validation": validation, "test": test}
    return Parts({part: dataset.side(collection, rows[part], first_positive) for part in PARTS}, keep.count(False))


PROTOCOLS = {"thesis": _thesis, "honest": _honest}


def divide(name, settings, collection):
    """The Parts of a protocol; the training side is ready to be trained on."""
    if settings["augment"]["rotations"] < 2:
        raise ProtocolError("[augment] rotations: at least 2, or no photo is copied and the protocols do not differ")
    parts = PROTOCOLS[name](settings, collection)
    for part, side in parts.sides.items():
        if len(set(side["positive"])) < 2:
            raise ProtocolError(f"{len(collection.photos)} photos are too few: {part} would hold one class or none")
    return Parts({**parts.sides, "train": dataset.with_chances(settings, parts.sides["train"])}, parts.dropped)


def measure(model, parts, run):
    """{part: (side, logits)} of all pictures. run: network.forward(model)."""
    return {part: (side, rotations.logits(model, side, run=run)) for part, side in parts.sides.items()}
