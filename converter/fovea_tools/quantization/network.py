# SPDX-License-Identifier: Apache-2.0
"""A model file's network as what quantising needs of it: weights as arrays, who reads what, which nodes can make codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Tuple

import numpy as np

from ..errors import QuantizationError
from ..file.fovea_file import FILE_ACTIVATIONS, NODE_KINDS, NONE, PACK_VECTOR, FileNode, FoveaModel, write_fovea
from ..file.pack import stored_values, unpack_conv_panels, unpack_depthwise, unpack_vector

LAYERS = ("convolution", "depthwise")
ACTIVATIONS = ("none", "relu", "hard_swish")  # those that codes are made with


@dataclass
class Layer:
    """A convolution with its float weights. Weights [taps][in][out] of a convolution, [taps][channels] of a depthwise one."""

    node: int
    weights: np.ndarray
    bias: np.ndarray
    depthwise: bool


class Network:
    def __init__(self, model: FoveaModel) -> None:
        if model.codes:
            raise QuantizationError("the model is made of codes already; quantise the one it was made from")
        self.model = model
        self.names = {}
        for name, node in model.names:
            self.names.setdefault(node, name)

    def kind(self, node: int) -> str:
        return NODE_KINDS[self.model.nodes[node].kind]

    def activation(self, node: int) -> str:
        return FILE_ACTIVATIONS[self.model.nodes[node].activation]

    def label(self, node: int) -> str:
        return self.names.get(node, f"#{node} {self.kind(node)}")

    def readers(self, value: int) -> List[int]:
        return [index for index, node in enumerate(self.model.nodes) if value in node.operands]

    def is_projection(self, node: int) -> bool:
        """A linear 1x1 convolution, which ends a block."""
        entry = self.model.nodes[node]
        return (self.kind(node) == "convolution" and entry.kernel == (1, 1) and entry.strides == (1, 1)
                and self.activation(node) == "none")

    def layer(self, node: int) -> Layer:
        entry = self.model.nodes[node]
        tensor = self.model.tensors[entry.weights]
        values = stored_values(tensor).astype(np.float64)
        depthwise = self.kind(node) == "depthwise"
        if depthwise:
            weights = unpack_depthwise(values, tensor.dimensions).reshape(-1, tensor.dimensions[2])
        else:
            weights = unpack_conv_panels(values, tensor.dimensions, max(entry.groups, 1))
            weights = weights.reshape(-1, tensor.dimensions[2], tensor.dimensions[3])
        bias = np.zeros(entry.out_channels)
        if entry.bias != NONE:
            bias = self.vector(entry.bias)
        return Layer(node, weights, bias, depthwise)

    def vector(self, index: int) -> np.ndarray:
        tensor = self.model.tensors[index]
        if tensor.packing != PACK_VECTOR:
            raise QuantizationError(f"tensor {index} is no vector")
        return unpack_vector(stored_values(tensor), tensor.dimensions[0]).astype(np.float64)


def tap_name(node: int) -> str:
    """What each node is called in a copy whose every output can be looked at."""
    return f"node{node}"


def with_taps(model: FoveaModel) -> bytes:
    """The model's bytes, each node named by tap_name alone."""
    return write_fovea(replace(model, names=[(tap_name(node), node) for node in range(len(model.nodes))]))


@dataclass
class Choice:
    """Which values are made of codes, and how. Values are those of the float network: 0 the input, n + 1 of node n.

    codes: value -> code type's bits, 8 or 16, of the value as readers in codes take it. made: values whose own node makes the
    codes; of the others codes are made from floats by a node of its own. floats: values of codes that some node takes as floats.
    dense: nodes that are layers of a vector of floats, whose weights alone become whole numbers.
    """

    codes: Dict[int, int]
    made: List[int]
    floats: List[int]
    dense: List[int]


def choose(network: Network, shapes: Dict[int, Tuple[int, int, int]], wide_blocks: int, keep: Dict[int, str]) -> Choice:
    """What becomes codes. shapes: of every value; wide_blocks: how many blocks from the input on are made of 16 bits;
    keep: node -> 'fp32' or 'int16'."""
    nodes = network.model.nodes
    is_map = {value: shape[0] * shape[1] > 1 for value, shape in shapes.items()}

    def convolves(node: int) -> bool:
        entry = nodes[node]
        return (network.kind(node) in LAYERS and is_map[node + 1] and is_map[entry.operands[0]] and entry.operands[0] != 0
                and network.activation(node) in ACTIVATIONS and keep.get(node) != "fp32"
                and (network.kind(node) == "depthwise" or entry.groups == 1) and entry.kernel[0] * entry.kernel[1] <= 81
                and shapes[node + 1][2] > 1)

    layers = [node for node in range(len(nodes)) if convolves(node)]
    made = {node + 1 for node in layers}
    read = {nodes[node].operands[0] for node in layers}
    # What lies between layers: sums and gates whose readers want codes, and the rescaling of the input.
    for node in reversed(range(len(nodes))):
        entry, value = nodes[node], node + 1
        if value not in read or keep.get(node) == "fp32" or network.activation(node) != "none":
            continue
        if network.kind(node) == "affine" and entry.operands == [0]:
            made.add(value)
        elif network.kind(node) == "add" and all(is_map[v] and shapes[v] == shapes[value] and v != 0 for v in entry.operands):
            made.add(value)
            read.update(entry.operands)
        elif network.kind(node) == "multiply" and is_map[value] and shapes[entry.operands[1]] == (1, 1, shapes[value][2]) \
                and 0 not in entry.operands:
            made.add(value)
            read.add(entry.operands[0])
    wanted = made | read
    floats = []
    for value in sorted(made):
        takers = network.readers(value)
        as_floats = [n for n in takers if n + 1 not in made and network.kind(n) != "global_pool"]
        if as_floats or value in (network.model.logits, network.model.probabilities):
            floats.append(value)
    codes = {value: 8 for value in wanted}
    projections = [node for node in layers if network.is_projection(node)]
    last_wide = projections[min(wide_blocks, len(projections)) - 1] if wide_blocks and projections else -1
    for value in wanted:
        node = value - 1
        readers = network.readers(value)
        summed = any(network.kind(reader) == "add" and reader + 1 in made for reader in readers)
        end_of_wide = network.kind(node) == "add" and max(nodes[node].operands) == last_wide + 1
        if node <= last_wide or keep.get(node) == "int16" or (summed and node in projections) or end_of_wide:
            codes[value] = 16
        if network.kind(node) == "affine":
            codes[value] = 16
    dense = [node for node in range(len(nodes)) if keep.get(node) != "fp32" and not is_map[node + 1]
             and (network.kind(node) == "dense" or (network.kind(node) == "convolution" and shapes[nodes[node].operands[0]][:2] == (1, 1)
                                                    and nodes[node].groups == 1 and nodes[node].kernel == (1, 1)
                                                    and nodes[node].strides == (1, 1) and nodes[node].padding == (0, 0, 0, 0)))]
    return Choice(codes, sorted(made), floats, dense)


def file_node(kind: str, operands: List[int], **fields) -> FileNode:
    return FileNode(NODE_KINDS.index(kind), 0, 0.0, operands, **fields)
