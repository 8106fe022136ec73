# SPDX-License-Identifier: Apache-2.0
"""From the graph to the tables of the model file: weights rounded to float32 or float16 and laid out in panels."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from ..builder.graph import Graph, Node
from ..errors import ConversionError
from .fovea_file import (
    F16, F32, FILE_ACTIVATIONS, NODE_KINDS, NONE, PACK_CONV_PANELS, PACK_DEPTHWISE, PACK_VECTOR, FileNode, Tensor, round_up,
)

NUMPY_TYPES = {F32: "<f4", F16: "<f2"}
TYPE_NAMES = {F32: "float32", F16: "float16"}


def pack_vector(values: np.ndarray) -> np.ndarray:
    """[n] -> [r8(n)]."""
    packed = np.zeros(round_up(values.size, 8), np.float32)
    packed[: values.size] = values
    return packed


def stored_values(tensor: Tensor) -> np.ndarray:
    """The numbers of a tensor of floats or halves as they lie in the file, as float32."""
    return np.frombuffer(tensor.data, NUMPY_TYPES[tensor.element_type]).astype(np.float32)


def unpack_vector(values: np.ndarray, count: int) -> np.ndarray:
    """The reverse of pack_vector."""
    return values.ravel()[:count]


def pack_conv_panels(values: np.ndarray, groups: int) -> np.ndarray:
    """[kh][kw][in_group][out] -> [groups][r8(out_group) / 8][kh][kw][in_group][8]."""
    height, width, in_group, out = values.shape
    out_group = out // groups
    panels = round_up(out_group, 8) // 8
    padded = np.zeros((height, width, in_group, groups, panels * 8), np.float32)
    padded[..., :out_group] = values.reshape(height, width, in_group, groups, out_group)
    return padded.reshape(height, width, in_group, groups, panels, 8).transpose(3, 4, 0, 1, 2, 5)


def unpack_conv_panels(values: np.ndarray, dimensions: Tuple[int, int, int, int], groups: int) -> np.ndarray:
    """The reverse of pack_conv_panels."""
    height, width, in_group, out = dimensions
    out_group = out // groups
    panels = round_up(out_group, 8) // 8
    values = values.reshape(groups, panels, height, width, in_group, 8).transpose(2, 3, 4, 0, 1, 5)
    return values.reshape(height, width, in_group, groups, panels * 8)[..., :out_group].reshape(dimensions)


def pack_depthwise(values: np.ndarray) -> np.ndarray:
    """[kh][kw][c] -> [kh][kw][r8(c)]."""
    height, width, channels = values.shape
    packed = np.zeros((height, width, round_up(channels, 8)), np.float32)
    packed[..., :channels] = values
    return packed


def unpack_depthwise(values: np.ndarray, dimensions: Tuple[int, int, int, int]) -> np.ndarray:
    """The reverse of pack_depthwise; dimensions as the file has them: height, width, channels, 1."""
    height, width, channels, _ = dimensions
    return values.reshape(height, width, round_up(channels, 8))[..., :channels]


class TensorTable:
    """Tensors of the file; equal ones, as a shared layer's, are stored once. Vectors are float32 whatever weight_type says."""

    def __init__(self, weight_type: int) -> None:
        self.weight_type = weight_type
        self.tensors: List[Tensor] = []
        self.numbers: Dict[Tuple, int] = {}

    def add(self, values: np.ndarray, packing: int, groups: int, node: Node) -> int:
        element_type = F32 if packing == PACK_VECTOR else self.weight_type
        with np.errstate(over="ignore"):
            rounded = values.astype(NUMPY_TYPES[element_type])
        if not np.isfinite(rounded).all():
            raise ConversionError(
                f"layer {node.layer!r}: a weight is too large for {TYPE_NAMES[element_type]} after folding the normalisation"
            )
        dimensions: Tuple[int, ...]
        if packing == PACK_VECTOR:
            packed, dimensions = pack_vector(rounded), (rounded.size, 1, 1, 1)
        elif packing == PACK_DEPTHWISE:
            packed, dimensions = pack_depthwise(rounded), (*rounded.shape, 1)
        else:
            packed, dimensions = pack_conv_panels(rounded, groups), rounded.shape
        data = np.ascontiguousarray(packed, NUMPY_TYPES[element_type]).tobytes()
        key = (packing, dimensions, groups, data)
        if key not in self.numbers:
            self.numbers[key] = len(self.tensors)
            self.tensors.append(Tensor(element_type, packing, dimensions, data))  # type: ignore[arg-type]
        return self.numbers[key]


PACKINGS = {
    "convolution": PACK_CONV_PANELS, "dense": PACK_CONV_PANELS, "depthwise": PACK_DEPTHWISE, "affine": PACK_VECTOR,
}


def pack_graph(graph: Graph, weight_type: int = F32) -> Tuple[List[FileNode], List[Tensor], List[Tuple[str, int]], int, int]:
    """(nodes, tensors, names, logits value, probabilities value) of the file. weight_type: of all but biases and vectors."""
    values = {id(node): index for index, node in enumerate(graph.nodes)}
    table = TensorTable(weight_type)
    nodes: List[FileNode] = []
    names: List[Tuple[str, int]] = []
    for index, node in enumerate(graph.nodes[1:]):
        if abs(node.parameter) > np.finfo(np.float32).max:
            raise ConversionError(f"layer {node.layer!r}: slope {node.parameter} is too large for float32")
        weights = bias = NONE
        if node.weights is not None:
            weights = table.add(node.weights, PACKINGS[node.kind], max(node.groups, 1), node)
        if node.bias is not None:
            bias = table.add(node.bias, PACK_VECTOR, 1, node)
        nodes.append(
            FileNode(
                kind=NODE_KINDS.index(node.kind),
                activation=FILE_ACTIVATIONS.index(node.activation),
                parameter=node.parameter,
                operands=[values[id(operand)] for operand in node.inputs],
                weights=weights,
                bias=bias,
                kernel=node.kernel,
                strides=node.strides,
                dilation=node.dilation,
                padding_mode=int(node.same),
                padding=node.padding,
                groups=node.groups,
                out_channels=node.out_channels,
                variant=node.variant,
            )
        )
        names.extend((name, index) for name in node.names)
    return nodes, table.tensors, names, values[id(graph.logits)], values[id(graph.probabilities)]
