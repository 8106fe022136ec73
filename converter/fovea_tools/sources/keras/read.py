# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a Keras file to a network."""

from __future__ import annotations

from ..source import Network, Reader
from .losses import activation_of_loss, regression_loss
from .network import lower
from .reader import read_h5, read_keras_archive
from .topology import read_network

H5_START = b"\x89HDF\r\n\x1a\n"
ARCHIVE_START = b"PK\x03\x04"


def read(data: bytes, keep_layers: bool) -> Network:
    file = read_h5(data) if data.startswith(H5_START) else read_keras_archive(data)
    graph = lower(file, read_network(file.model_config), keep_layers)
    notes = []
    if file.names_no_modules:
        notes.append("an .h5 file does not say whether a class is Keras's: a layer of your own called as one of Keras's is taken for it")
    return Network(graph, file.framework, activation_of_loss(file.training_config), regression_loss(file.training_config), notes)


READER = Reader((H5_START, ARCHIVE_START), read)
