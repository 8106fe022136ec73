# SPDX-License-Identifier: Apache-2.0
"""The codes of each value, and the file that says them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, List, Tuple

import numpy as np

from ..file.fovea_file import (
    CODES_NONE, CODES_S16, CODES_U8, F32, I8, I32, NONE, PACK_CODE_PANELS, PACK_CONV_PANELS, PACK_DEPTHWISE, PACK_VECTOR, FileNode, FoveaModel, Golden, NodeCodes,
    Tensor, round_up,
)
from ..file.pack import pack_conv_panels, pack_depthwise
from .network import Choice, Layer, Network, file_node
from .rounding import rounded, weight_scales
from .statistics import Range

SPARE = 1.5  # by how much more than they were seen to have values of 16 bits may have


@dataclass
class Scale:
    """code = real / scale + zero, by channel."""

    bits: int
    scale: np.ndarray
    zero: np.ndarray

    @property
    def largest(self) -> int:
        return 255 if self.bits == 8 else 32768


def scale_of(seen: Range, bits: int) -> Scale:
    """So that all that was seen has a code, and 0 exactly one. A channel without a range gets a very small one."""
    spare = SPARE if bits == 16 else 1.0
    low, high = seen.low * spare, seen.high * spare
    steps = 2 ** bits - 1
    widest = float((high - low).max())
    scale = np.maximum((high - low) / steps, widest / steps * 1e-4 if widest > 0 else 1.0).astype(np.float32).astype(np.float64)
    first = 0 if bits == 8 else -32768
    zero = np.clip(np.rint(first - low / scale), first, first + steps)
    return Scale(bits, scale, zero)


def scale_of_pixels(factor: np.ndarray, offset: np.ndarray) -> Scale:
    """Of the rescaled input: whole pixels have exact codes where they can, as 2p - 255 of (2p - 255) / 255."""
    halves = np.abs(2 * offset / factor - np.rint(2 * offset / factor)) < 1e-3
    scale = np.abs(factor) / np.where(halves, 2, 64)
    reach = np.maximum(np.abs(offset), np.abs(255 * factor + offset)) / 32000
    return Scale(16, np.maximum(scale, reach).astype(np.float32).astype(np.float64), np.zeros(len(factor)))


@dataclass
class WholeLayer:
    """A layer in whole numbers: weights as Layer has them, the real weight of 1 for each output, the bias in reals."""

    layer: Layer
    weights: np.ndarray
    scales: np.ndarray
    bias: np.ndarray


@dataclass
class Quantized:
    """All that a file of codes is made of."""

    network: Network
    choice: Choice
    scales: Dict[int, Scale]
    layers: Dict[int, WholeLayer] = field(default_factory=dict)


class _Writer:
    def __init__(self, quantized: Quantized) -> None:
        self.q = quantized
        self.model = quantized.network.model
        self.tensors: List[Tensor] = []
        self.numbers: Dict[Tuple, int] = {}
        self.nodes: List[FileNode] = []
        self.codes: List[NodeCodes] = []
        self.code_value: Dict[int, int] = {}
        self.float_value: Dict[int, int] = {0: 0}

    def tensor(self, tensor: Tensor) -> int:
        key = (tensor.element_type, tensor.packing, tensor.dimensions, tensor.data)
        if key not in self.numbers:
            self.numbers[key] = len(self.tensors)
            self.tensors.append(tensor)
        return self.numbers[key]

    def vector(self, values: np.ndarray, element_type: int) -> int:
        packed = np.zeros(round_up(len(values), 8), "<f4" if element_type == F32 else "<i4")
        packed[: len(values)] = values
        return self.tensor(Tensor(element_type, PACK_VECTOR, (len(values), 1, 1, 1), packed.tobytes()))

    def kept(self, index: int) -> int:
        return NONE if index == NONE else self.tensor(self.model.tensors[index])

    def add(self, node: FileNode) -> int:
        self.nodes.append(node)
        return len(self.nodes)

    def add_codes(self, node: FileNode, scale: Scale, multiplier: np.ndarray, second=None, offset=None) -> int:
        value = self.add(node)
        self.codes.append(NodeCodes(
            value - 1, CODES_U8 if scale.bits == 8 else CODES_S16, self.vector(scale.scale, F32), self.vector(scale.zero, I32),
            self.vector(multiplier, F32), NONE if second is None else self.vector(second, F32),
            NONE if offset is None else self.vector(offset, F32)))
        return value

    def layer(self, node: int) -> int:
        entry, whole = self.model.nodes[node], self.q.layers[node]
        taken, made = self.q.scales[entry.operands[0]], self.q.scales[node + 1]
        weights = whole.weights.astype(np.int64)
        if whole.layer.depthwise:
            zeros = (weights * taken.zero).sum(axis=0)
            packed = pack_depthwise(whole.weights.reshape(*entry.kernel, -1)).astype(np.int8)
            tensor = Tensor(I8, PACK_DEPTHWISE, (*entry.kernel, whole.weights.shape[1], 1), packed.tobytes())
        else:
            zeros = np.einsum("tio,i->o", weights, taken.zero)
            tensor = Tensor(I8, PACK_CODE_PANELS, (*entry.kernel, *whole.weights.shape[1:]), code_panels(whole.weights))
        bias = np.rint(whole.bias / whole.scales) - zeros
        if self.q.network.activation(node) == "hard_swish":
            multiplier, second = whole.scales, 1 / (6 * made.scale)
        else:
            multiplier, second = whole.scales / made.scale, None
        new = replace(entry, operands=[self.code_value[entry.operands[0]]], weights=self.tensor(tensor),
                      bias=self.vector(bias, I32))
        return self.add_codes(new, made, multiplier, second)

    def made(self, node: int) -> int:
        entry, kind = self.model.nodes[node], self.q.network.kind(node)
        scale = self.q.scales[node + 1]
        if node in self.q.layers:
            return self.layer(node)
        if kind == "affine":
            factor, offset = self.q.network.vector(entry.weights), self.q.network.vector(entry.bias)
            new = replace(entry, weights=self.kept(entry.weights), bias=self.kept(entry.bias))
            return self.add_codes(new, scale, factor / scale.scale, offset=offset / scale.scale)
        left = self.q.scales[entry.operands[0]]
        if kind == "multiply":
            new = replace(entry, operands=[self.code_value[entry.operands[0]], self.float_value[entry.operands[1]]])
            return self.add_codes(new, scale, left.scale / scale.scale)
        right = self.q.scales[entry.operands[1]]
        first, second = left.scale / scale.scale, right.scale / scale.scale
        new = replace(entry, operands=[self.code_value[value] for value in entry.operands])
        return self.add_codes(new, scale, first, second, -(left.zero * first + right.zero * second))

    def float_node(self, node: int) -> int:
        entry = self.model.nodes[node]
        pools = self.q.network.kind(node) == "global_pool"
        operands = [self.code_value[value] if pools and value in self.q.choice.made else self.float_value[value]
                    for value in entry.operands]
        new = replace(entry, operands=operands, bias=self.kept(entry.bias))
        if node in self.q.choice.dense:
            return self.dense(node, new)
        return self.add(replace(new, weights=self.kept(entry.weights)))

    def dense(self, node: int, new: FileNode) -> int:
        """A layer of a vector of floats: its weights alone are whole numbers, to the nearest."""
        tensor = self.model.tensors[new.weights]
        layer = self.q.network.layer(node)
        scales = weight_scales(layer.weights, np.zeros(layer.weights.shape[2]), False)
        whole = rounded(layer.weights, scales, None, False)
        packed = pack_conv_panels(whole.reshape(tensor.dimensions), 1).astype(np.int8)
        weights = self.tensor(Tensor(I8, PACK_CONV_PANELS, tensor.dimensions, packed.tobytes()))
        value = self.add(replace(new, weights=weights))
        self.codes.append(NodeCodes(value - 1, CODES_NONE, NONE, NONE, self.vector(scales, F32)))
        return value

    def write(self) -> FoveaModel:
        place: Dict[int, int] = {}
        for node in range(len(self.model.nodes)):
            value = node + 1
            if value in self.q.choice.made:
                self.code_value[value] = place[node] = self.made(node)
                if value in self.q.choice.floats:
                    self.float_value[value] = self.add(file_node("activation", [self.code_value[value]]))
            else:
                self.float_value[value] = place[node] = self.float_node(node)
                if value in self.q.choice.codes:
                    scale = self.q.scales[value]
                    self.code_value[value] = self.add_codes(
                        file_node("activation", [self.float_value[value]]), scale, 1 / scale.scale, offset=np.zeros(len(scale.scale)))
        names = sorted(((name, place[node] - 1) for name, node in self.model.names), key=lambda item: item[1])
        return replace(self.model, nodes=self.nodes, tensors=self.tensors, names=names, codes=self.codes, golden=None,
                       logits=self.float_value[self.model.logits], probabilities=self.float_value[self.model.probabilities])


def code_panels(weights: np.ndarray) -> bytes:
    """[taps][in][out] -> [r8(out) / 8][taps][r4(in) / 4][8][4]."""
    taps, inputs, outputs = weights.shape
    padded = np.zeros((taps, round_up(inputs, 4), round_up(outputs, 8)), np.int8)
    padded[:, :inputs, :outputs] = weights
    return padded.reshape(taps, -1, 4, padded.shape[2] // 8, 8).transpose(3, 0, 1, 4, 2).tobytes()


def model_of(quantized: Quantized) -> Tuple[FoveaModel, Dict[int, int]]:
    """The model file's contents without golden vectors, and where each float node's own value is in it: node -> node."""
    writer = _Writer(quantized)
    model = writer.write()
    nodes = {}
    for node in range(len(quantized.network.model.nodes)):
        value = writer.code_value.get(node + 1) if node + 1 in quantized.choice.made else writer.float_value[node + 1]
        nodes[node] = value - 1
    return model, nodes


def with_golden(model: FoveaModel, pixels: List[bytes], logits: np.ndarray) -> FoveaModel:
    """With vectors that are the file's own bits, on every CPU."""
    height, width = model.default_size
    return replace(model, golden=Golden(height, width, model.input_size[2], 0.0, [list(map(float, row)) for row in logits], pixels))
