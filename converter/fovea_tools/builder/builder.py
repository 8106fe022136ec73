# SPDX-License-Identifier: Apache-2.0
"""Builds the graph operation by operation: shapes worked out, what has no counterpart in the model file refused.

Nothing here knows where a network comes from. A reader says which of its layers it is at (`begin`), and calls one method for
each operation of it; the node bears that layer's name, and so does every refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ..checked import shown
from ..errors import ConversionError
from .graph import Graph, Node, Shape, selection_matrix

LARGEST_PADDING = 65_535
LARGEST_CONCAT = 64
# Channels of a value that constants are made for: no layer of a network for photographs comes near.
LARGEST_CHANNELS = 1 << 20
# Numbers in the matrix of ones and zeros that picks channels.
LARGEST_SELECTION = 1 << 22
# Elements of a value that the engine takes.
LARGEST_VALUE = 1 << 30
# Weights that a network may have without the file holding them: those of layers called several times, and constants.
WEIGHTS_BESIDE_THE_FILE = 1 << 22

# Softmax is an operation of its own in the model file.
SOFTMAX = "softmax"


class WeightBudget:
    """Counts the weights of all nodes, so that a small file cannot ask for memory without end."""

    def __init__(self, stored_bytes: int) -> None:
        self.left = stored_bytes + WEIGHTS_BESIDE_THE_FILE

    def add(self, node: Node, what: str) -> None:
        self.take(sum(array.size for array in (node.weights, node.bias) if array is not None), what)

    def take(self, count: int, what: str) -> None:
        self.left -= count
        if self.left < 0:
            raise ConversionError(f"{what}: the network has far more weights than its file holds")


@dataclass(frozen=True)
class Value:
    """A node's output with the number of dimensions that the source gives it, the batch included.

    4: a map; 2: a vector; 3: a map [h][w][1] whose channel axis was dropped by a reduction.
    """

    node: Node
    rank: int

    @property
    def shape(self) -> Shape:
        return self.node.shape


@dataclass(frozen=True)
class Window:
    """How a kernel moves over its input. padding: 'valid', none, or 'same', as much as makes ceil(size / stride) of the size."""

    strides: Tuple[int, int]
    dilation: Tuple[int, int] = (1, 1)
    padding: str = "valid"


class Builder:
    """The graph as far as it is built. stored_bytes: of the source file's weights, which bounds those of the graph.

    keep_layers: one node for each layer of the source, also where a layer leaves its input as it is.
    """

    def __init__(self, input_shape: Shape, stored_bytes: int, keep_layers: bool) -> None:
        self.graph = Graph(input_shape)
        self.keep_layers = keep_layers
        self.budget = WeightBudget(stored_bytes)
        self.layer = ""
        self.what = ""

    def begin(self, layer: str, what: str) -> None:
        """The operations from now on belong to that layer; what: the layer as messages call it."""
        self.layer = layer
        self.what = what

    def refuse(self, reason: str) -> ConversionError:
        return ConversionError(f"{self.what}: {reason}")

    def emit(self, kind: str, inputs: Sequence[Node], shape: Shape, **fields: Any) -> Node:
        node = Node(kind, list(inputs), shape, self.layer, **fields)
        self.budget.add(node, self.what)
        self.graph.nodes.append(node)
        return node

    def input(self) -> Value:
        return Value(self.graph.input, 4)

    def channels(self, value: Value) -> int:
        """The number of channels, where there must be a constant for each."""
        count = value.shape[2]
        if count is None:
            raise self.refuse("the number of its channels depends on the input size")
        if count > LARGEST_CHANNELS:
            raise self.refuse(f"{count} channels are more than this converter takes")
        return count

    # ---- functions of single elements ----

    def activation(self, value: Value, function: Tuple[str, float], inner: bool = False) -> Value:
        """function: (name in the model file or SOFTMAX, parameter). inner: it belongs to the layer that made value."""
        name, parameter = function
        node = value.node
        if name == "none":
            return value
        if name == SOFTMAX:
            if node.shape[0] != 1 or node.shape[1] != 1:
                raise self.refuse("softmax over the channels of a map; only of a vector is converted")
            return Value(self.emit("softmax", [node], node.shape), value.rank)
        return Value(self.emit("activation", [node], node.shape, activation=name, parameter=parameter, inner=inner), value.rank)

    def affine(self, value: Value, scale: np.ndarray, offset: np.ndarray, measured: bool = False) -> Value:
        """y = x * scale + offset, with one number of each for a channel. measured: they are statistics of the training pictures."""
        return Value(self.emit("affine", [value.node], value.shape, weights=scale, bias=offset, measured=measured), value.rank)

    def binary(self, kind: str, left: Value, right: Value) -> Value:
        """left + right (add) or left * right (multiply), the smaller one broadcast; it becomes the second operand."""
        rank = max(left.rank, right.rank)
        if smaller(left.shape, right.shape):
            left, right = right, left
        for n, m in zip(left.shape, right.shape):
            if n is not None and m is not None and n != m and m != 1:
                raise self.refuse(f"its inputs {left.shape} and {right.shape} do not fit together")
        full = right.shape == left.shape
        single_pixel = right.shape[:2] == (1, 1)
        single_channel = right.shape[2] == 1 and all(
            n == m or None in (n, m) for n, m in zip(left.shape[:2], right.shape[:2])
        )
        same_unknown = all(n == m or None in (n, m) for n, m in zip(left.shape, right.shape))
        if not (full or single_pixel or single_channel or same_unknown):
            raise self.refuse(f"broadcasts {right.shape} to {left.shape}; only a vector of channels or a map of one channel is converted")
        return Value(self.emit(kind, [left.node, right.node], left.shape), rank)

    def difference(self, left: Value, right: Value) -> Value:
        """left - right as left + (-1) right, which rounds alike."""
        ones = np.ones(self.channels(right))
        return self.binary("add", left, self.affine(right, -ones, np.zeros_like(ones)))

    # ---- weights ----

    def convolution(self, value: Value, weights: np.ndarray, bias: Optional[np.ndarray], groups: int, window: Window) -> Value:
        """weights [kh][kw][in / groups][out]; as the cheapest kind that does it."""
        height, width, in_group, out = weights.shape
        if (height, width, groups) == (1, 1, 1) and value.shape[:2] == (1, 1):
            # On a single pixel, as in squeeze-and-excitation, it is a dense layer.
            return self.dense(value, weights, bias)
        same, padding, size = self.padding(value, (height, width), window)
        fields = dict(
            bias=bias, kernel=(height, width), strides=window.strides, dilation=window.dilation, same=same, padding=padding,
            out_channels=out,
        )
        if groups > 1 and in_group == 1 and out == groups:
            weights = weights.reshape(height, width, out)
            return Value(self.emit("depthwise", [value.node], (*size, out), weights=weights, **fields), value.rank)
        return Value(self.emit("convolution", [value.node], (*size, out), weights=weights, groups=groups, **fields), value.rank)

    def pointwise(self, value: Value, weights: np.ndarray, bias: Optional[np.ndarray]) -> Value:
        """A dense layer of each pixel; weights [1][1][in][out]."""
        return self.convolution(value, weights, bias, 1, Window((1, 1)))

    def dense(self, value: Value, weights: np.ndarray, bias: Optional[np.ndarray]) -> Value:
        """A dense layer of a single pixel; weights [1][1][in][out]."""
        out = weights.shape[3]
        return Value(self.emit("dense", [value.node], (1, 1, out), weights=weights, bias=bias, out_channels=out), value.rank)

    # ---- reductions ----

    def pool(self, kind: str, value: Value, kernel: Tuple[int, int], window: Window) -> Value:
        """kind: max or average (of the pixels in the window that are not padding)."""
        same, padding, size = self.padding(value, kernel, window)
        node = self.emit(
            "pool", [value.node], (*size, value.shape[2]), kernel=kernel, strides=window.strides, same=same, padding=padding,
            variant=1 if kind == "max" else 0,
        )
        return Value(node, value.rank)

    def global_pool(self, kind: str, value: Value, keep_dimensions: bool) -> Value:
        node = self.emit("global_pool", [value.node], (1, 1, value.shape[2]), variant=1 if kind == "max" else 0)
        return Value(node, 4 if keep_dimensions else 2)

    def channel_reduce(self, kind: str, value: Value, keep_dimensions: bool) -> Value:
        """The mean or the greatest of a pixel's channels."""
        node = self.emit("channel_reduce", [value.node], (*value.shape[:2], 1), variant=1 if kind == "max" else 0)
        return Value(node, 4 if keep_dimensions else 3)

    # ---- shapes ----

    def pad(self, value: Value, padding: Tuple[int, int, int, int]) -> Value:
        """Zeros around the map: top, left, bottom, right."""
        top, left, bottom, right = padding
        if max(padding) > LARGEST_PADDING:
            raise self.refuse("its padding is too large")
        height, width, channels = value.shape
        size = (None if height is None else height + top + bottom, None if width is None else width + left + right)
        return Value(self.emit("pad", [value.node], (*size, channels), padding=padding), 4)

    def to_vector(self, value: Value) -> Value:
        """All elements in one row; nothing to do where the map is a single pixel already."""
        height, width, channels = value.shape
        if (height, width) == (1, 1) and not self.keep_layers:
            return Value(value.node, 2)
        known = None not in (height, width, channels)
        count = height * width * channels if known else None
        if count is not None and count > LARGEST_VALUE:
            raise self.refuse(f"a vector of {count} elements is more than the model file can hold")
        return Value(self.emit("reshape", [value.node], (1, 1, count)), 2)

    def reshape(self, value: Value, sizes: Sequence[int]) -> Value:
        """To a vector, or to a map that holds the elements as they lie; sizes without the batch, -1: whatever is left."""
        height, width, channels = value.shape
        count = None if None in value.shape else height * width * channels
        wanted = list(sizes)
        known = [size for size in wanted if size != -1]
        product = int(np.prod(known, dtype=np.float64))
        if wanted.count(-1) == 1 and count is not None and product and count % product == 0:
            wanted[wanted.index(-1)] = count // product
        if len(wanted) == 1:
            return self.to_vector(value)
        if len(wanted) == 3 and tuple(wanted) == (1, 1, count):
            return Value(self.to_vector(value).node, 4)
        if len(wanted) == 3 and tuple(wanted) == value.shape:
            return Value(value.node, 4)
        raise self.refuse(f"reshapes to {shown(list(sizes))}; only to a vector is converted")

    def concat(self, values: Sequence[Value]) -> Value:
        """Side by side along the channels."""
        if len(values) > LARGEST_CONCAT:
            raise self.refuse(f"joins {len(values)} tensors; at most {LARGEST_CONCAT} are converted")
        if len(values) == 1:
            return values[0]
        size = []
        for side in (0, 1):
            known = {value.shape[side] for value in values} - {None}
            if len(known) > 1:
                raise self.refuse(f"joins maps of different sizes {sorted(known)}")
            size.append(values[0].shape[side] if None in [v.shape[side] for v in values] else known.pop())
        counts = [value.shape[2] for value in values]
        channels = None if None in counts else sum(counts)
        return Value(self.emit("concat", [value.node for value in values], (size[0], size[1], channels)), values[0].rank)

    def select_channels(self, value: Value, channels: List[int]) -> Value:
        """The channels with these numbers in this order, as a convolution with one 1 in each column."""
        if channels == list(range(value.shape[2])):
            return value
        if len(channels) * value.shape[2] > LARGEST_SELECTION:
            raise self.refuse(f"picks {len(channels)} of {value.shape[2]} channels, which takes too large a matrix")
        picked = self.pointwise(value, selection_matrix(value.shape[2], channels), None)
        picked.node.selected = tuple(channels)
        return picked

    def stack_channels(self, values: Sequence[Value]) -> Value:
        """Maps of one channel side by side; channels picked out of one map are picked again in one go."""
        sources = [value.node.inputs[0] for value in values if value.node.selected is not None and len(value.node.selected) == 1]
        if len(sources) == len(values) and all(source is sources[0] for source in sources):
            return self.select_channels(Value(sources[0], 4), [value.node.selected[0] for value in values])
        return self.concat([Value(value.node, 4) for value in values])

    # ---- geometry ----

    def padding(
        self, value: Value, kernel: Tuple[int, int], window: Window
    ) -> Tuple[bool, Tuple[int, int, int, int], Tuple[Optional[int], Optional[int]]]:
        """(same by the engine, four paddings, output height and width).

        'same' with stride 1 needs the same numbers for every input size; with another stride they are worked
        out where the size is known, and left to the engine where it is not.
        """
        sides = value.shape[:2]
        same = window.padding == "same" and any(n is None and s > 1 for n, s in zip(sides, window.strides))
        before_after = []
        out: List[Optional[int]] = []
        for n, k, s, d in zip(sides, kernel, window.strides, window.dilation):
            reach = (k - 1) * d + 1
            if window.padding == "same":
                size = None if n is None else -(-n // s)
                if s == 1:
                    total = reach - 1
                elif size is None or n is None:
                    total = 0
                else:
                    total = max((size - 1) * s + reach - n, 0)
                before_after.append((total // 2, total - total // 2))
            else:
                size = None if n is None else (n - reach) // s + 1
                if size is not None and size < 1:
                    raise self.refuse(f"its window of {reach} is larger than its input of {n}")
                before_after.append((0, 0))
            out.append(size)
        (top, bottom), (left, right) = before_after
        if max(top, left, bottom, right) > LARGEST_PADDING:
            raise self.refuse("its padding is too large")
        return same, ((0, 0, 0, 0) if same else (top, left, bottom, right)), (out[0], out[1])


def smaller(shape: Tuple, other: Tuple) -> bool:
    """True where shape is the one to be broadcast."""
    if shape[:2] == (1, 1) and other[:2] != (1, 1):
        return True
    return shape[2] == 1 and other[2] != 1 and other[:2] != (1, 1)
