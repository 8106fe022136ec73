# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a Keras file to a network."""

from __future__ import annotations

from typing import List

from ..source import Network, Reader
from .losses import activation_of_loss, regression_loss
from .network import lower
from .reader import read_h5, read_keras_archive
from .topology import Network as Topology, read_network

H5_START = b"\x89HDF\r\n\x1a\n"
ARCHIVE_START = b"PK\x03\x04"


def read(data: bytes, keep_layers: bool) -> Network:
    file = read_h5(data) if data.startswith(H5_START) else read_keras_archive(data)
    network = read_network(file.model_config)
    graph = lower(file, network, keep_layers)
    notes = []
    if file.names_no_modules:
        notes.append("an .h5 file does not say whether a class is Keras's: a layer of your own called as one of Keras's is taken for it")
    names = activation_names(network)
    if names:
        notes.append(f"the file does not say whether the activation functions {', '.join(names)} are Keras's: one of your own of such a name, registered or "
                     "not, is taken for it; give --golden vectors, and fovea selftest compares")
    return Network(graph, file.framework, activation_of_loss(file.training_config), regression_loss(file.training_config), notes)


def activation_names(network: Topology) -> List[str]:
    """The activation functions that the layers name, and of which the file holds nothing else."""
    given = (call.layer.config.get("activation") for call in network.calls)
    return sorted({name for name in given if isinstance(name, str) and name != "linear"})


READER = Reader((H5_START, ARCHIVE_START), read)
