# SPDX-License-Identifier: Apache-2.0
"""Reads a trained network by the reader that its first bytes ask for, never by the file's ending."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from ..errors import ConversionError, errors_of
from .keras import read as keras
from .source import Network

LARGEST_FILE = 2 << 30
READERS = (keras.READER,)


@dataclass
class Source:
    """A network and the file that it is of."""

    path: str
    sha256: str
    network: Network


def read_source(path: str, keep_layers: bool) -> Source:
    with errors_of(path):
        data = read_bytes(path)
        for reader in READERS:
            if data.startswith(reader.starts):
                return Source(path, hashlib.sha256(data).hexdigest(), reader.read(data, keep_layers))
        raise ConversionError("neither a Keras .h5 nor a .keras file" if data else "empty")


def read_bytes(path: str) -> bytes:
    try:
        if os.path.isdir(path):
            raise ConversionError("a folder (a TensorFlow SavedModel?); save as one .keras or .h5 file")
        size = os.path.getsize(path)
        if size > LARGEST_FILE:
            raise ConversionError(f"larger than {LARGEST_FILE >> 30} GiB")
        with open(path, "rb") as file:
            # Python sets aside as much as is asked for.
            return file.read(size)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())[:160] or type(error).__name__
        raise ConversionError(f"cannot be read ({reason})") from error
