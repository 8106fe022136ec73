# SPDX-License-Identifier: Apache-2.0
"""The pictures that `fovea preprocess` made of a split's validation photos, for the commands that look at a detector after its training."""
import pathlib

import numpy as np
from PIL import Image

from .split import VALIDATION


class PicturesError(Exception):
    pass


def side_rows(path, columns=("source", "name", "side")):
    """The rows ({column: text}) of the validation side of a split.csv that has these columns."""
    from fovea_tools import tables
    try:
        table = tables.read(str(path))
    except tables.TableError as error:
        raise PicturesError(str(error)) from error
    if not set(columns) <= set(table.header):
        raise PicturesError(f"{path}: expected the columns {', '.join(columns[:-1])} and {columns[-1]}, found {', '.join(table.header)}")
    return [row for row in table.rows if row["side"] == VALIDATION]


def paths_of(folder, split, rows):
    """The picture of each row, FOLDER/SOURCE/.../NAME.png. split: the file that the rows come from, for messages."""
    found = {(path.relative_to(folder).parts[0], path.stem): path for path in sorted(pathlib.Path(folder).rglob("*.png"))}
    missing = [f"{row['source']}/{row['name']}" for row in rows if (row["source"], row["name"]) not in found]
    if missing:
        raise PicturesError(f"{folder}: no picture of {len(missing)} photos of {split}, the first {missing[0]}")
    return [found[row["source"], row["name"]] for row in rows]


def read(paths, size):
    """uint8 (N, size, size, 3), N at least 1."""
    if not paths:
        raise PicturesError("no pictures")
    pictures = []
    for path in paths:
        try:
            with Image.open(path) as image:
                pictures.append(np.asarray(image.convert("RGB")))
        except OSError as error:
            raise PicturesError(f"{path}: {error}") from error
        if pictures[-1].shape != (size, size, 3):
            raise PicturesError(f"{path}: {pictures[-1].shape[1]} x {pictures[-1].shape[0]}, expected {size} x {size}")
    return np.asarray(pictures)
