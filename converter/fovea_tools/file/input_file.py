# SPDX-License-Identifier: Apache-2.0
"""Reads files and folders whole, with errors that name what could not be read."""

from __future__ import annotations

import os
from typing import List, Sequence, Union


def read_file(path: Union[str, os.PathLike]) -> bytes:
    """All of it. Python names the file in an error of opening it, but not in one of reading it."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        error.filename = error.filename or os.fspath(path)
        raise


def files_below(folder: str, endings: Sequence[str]) -> List[str]:
    """The files with these endings in the folder and those in it, also where a link leads to one; each folder once. A folder that cannot be
    read is an error: nothing is passed over in silence."""
    def fail(error: OSError) -> None:
        raise error

    found, seen = [], set()
    for place, inner, names in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        found += [os.path.join(place, name) for name in names if name.lower().endswith(tuple(endings))]
    return found
