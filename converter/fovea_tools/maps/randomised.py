# SPDX-License-Identifier: Apache-2.0
"""A network with its weights in disorder: whose maps must not be those of the trained one (Adebayo et al. 2018)."""

from __future__ import annotations

import dataclasses
from typing import Set

import numpy as np

from ..file.fovea_file import F16, F32, NODE_KINDS, PACK_VECTOR, FormatError, FoveaModel, Tensor, read_fovea, write_fovea

HEAD, EVERYTHING = "head", "everything"
WEIGHTED = ("convolution", "depthwise", "dense")


def _weights(model: FoveaModel, part: str) -> Set[int]:
    """Tensors: of the dense layers, or of all layers."""
    kinds = ("dense",) if part == HEAD else WEIGHTED
    return {node.weights for node in model.nodes if NODE_KINDS[node.kind] in kinds and node.weights < len(model.tensors)}


def _shuffled(tensor: Tensor, random: np.random.Generator) -> Tensor:
    """The same values in other places. Zeros stay: the file fills its panels up with them."""
    values = np.frombuffer(tensor.data, "<f4" if tensor.element_type == F32 else "<f2").copy()
    places = np.flatnonzero(values)
    values[places] = values[random.permutation(places)]
    return dataclasses.replace(tensor, data=values.tobytes())


def randomised(data: bytes, part: str, seed: int) -> bytes:
    """The model file with the weights of that part of the network shuffled, each layer's among themselves."""
    model = read_fovea(data)
    wanted = _weights(model, part)
    if any(model.tensors[number].element_type not in (F32, F16) for number in wanted) or model.codes:
        raise FormatError("the weights are no floats and cannot be shuffled; measure the model that it was made of")
    if not wanted:
        raise FormatError(f"the network has no layer whose weights could be shuffled ({part})")
    random = np.random.default_rng(seed)
    tensors = [_shuffled(tensor, random) if number in wanted and tensor.packing != PACK_VECTOR else tensor
               for number, tensor in enumerate(model.tensors)]
    return write_fovea(dataclasses.replace(model, tensors=tensors, golden=None))
