# SPDX-License-Identifier: Apache-2.0
"""The state of one conversion from Keras: the graph being built, and what the handlers of layers and operations need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

import numpy as np

from . import activations, checked
from .errors import ConversionError
from .graph import Graph, Node, Shape
from .keras_reader import KerasFile
from .topology import Call, Network, Tensor

LARGEST_PADDING = 65_535
LARGEST_CONCAT = 64
# What stands in every operation's configuration.
OPERATION_FIELDS = ("name", "trainable", "dtype", "function")
# Weights that a network may have without the file holding them: those of layers called several times, and constants.
WEIGHTS_BESIDE_THE_FILE = 1 << 22


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


def tensors_of(value: Any) -> List[Tensor]:
    """The tensors in nested lists, in order."""
    found: List[Tensor] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Tensor):
            found.append(item)
        elif isinstance(item, list):
            stack.extend(reversed(item))
    return found


@dataclass(frozen=True)
class Value:
    """A node's output with the number of dimensions that Keras gives it, the batch included.

    4: a map; 2: a vector; 3: a map [h][w][1] whose channel axis was dropped by a reduction.
    """

    node: Node
    rank: int

    @property
    def shape(self) -> Shape:
        return self.node.shape


class Lowering:
    """State of one conversion: the graph being built and what the handlers need."""

    def __init__(self, file: KerasFile, network: Network, keep_layers: bool) -> None:
        self.file = file
        self.network = network
        self.keep_layers = keep_layers
        self.graph = Graph(network.input_shape)
        self.values: Dict[int, Value] = {0: Value(self.graph.input, 4)}
        self.call: Call = None  # type: ignore[assignment]
        self.read_keywords: Set[str] = set()
        self.read_arguments = 1
        self.budget = WeightBudget(file.stored_bytes)

    def begin(self, call: Call) -> None:
        self.call = call
        self.read_keywords = set()
        # The first argument is the tensor, or the list of tensors.
        self.read_arguments = 1

    def check_all_read(self) -> None:
        """Refuses a call with an argument that nothing here has looked at: it would be dropped without a word."""
        for name, item in self.call.keywords.items():
            if name not in self.read_keywords and name != "name" and item is not None and not tensors_of(item):
                raise self.refuse(f"is called with {name}={checked.shown(item)}, which is not converted")
        for item in self.call.arguments[self.read_arguments :]:
            if item is not None and not tensors_of(item):
                raise self.refuse(f"is called with the argument {checked.shown(item)}, which is not converted")
        if self.is_operation:
            for name, item in self.config.items():
                if name not in self.read_keywords and name not in OPERATION_FIELDS and item is not None and item is not False:
                    raise self.refuse(f"has {name}={checked.shown(item)}, which is not converted")

    # ---- what handlers use ----

    @property
    def what(self) -> str:
        return str(self.call.layer)

    @property
    def config(self) -> Any:
        return self.call.layer.config

    @property
    def is_operation(self) -> bool:
        return self.call.layer.is_operation(self.file.major)

    @property
    def training(self) -> bool:
        """True where the layer may be in training mode when the model is used, and does what it does in training.

        In Keras 2 a layer's own argument decides, else the innermost model's. In Keras 3 it depends on how the whole
        model is called, so one True on the way is enough.
        """
        given = [item for item in self.call.training if item is not None]
        return any(given) if self.file.major >= 3 else bool(given) and given[-1]

    def refuse(self, reason: str) -> ConversionError:
        return ConversionError(f"{self.what}: {reason}")

    def emit(self, kind: str, inputs: Sequence[Node], shape: Shape, **fields: Any) -> Node:
        node = Node(kind, list(inputs), shape, self.call.layer.name, **fields)
        self.budget.add(node, self.what)
        self.graph.nodes.append(node)
        return node

    def activate(self, node: Node, activation: Tuple[str, float], inner: bool) -> Node:
        """The activation after node; inner: it belongs to the layer that made node."""
        name, parameter = activation
        if name == "none":
            return node
        if name == activations.SOFTMAX:
            if node.shape[0] != 1 or node.shape[1] != 1:
                raise self.refuse("softmax over the channels of a map; only of a vector is converted")
            return self.emit("softmax", [node], node.shape)
        return self.emit("activation", [node], node.shape, activation=name, parameter=parameter, inner=inner)

    def layer_activation(self, node: Node) -> Node:
        return self.activate(node, activations.from_config(self.config.get("activation"), self.file.major, self.what), True)

    def weights(self, *variables: Tuple[Sequence[str], Tuple[int, ...]]) -> List[np.ndarray]:
        return self.file.weights.load(self.call.layer.place, variables)

    def tensors(self) -> List[Value]:
        """All tensor arguments in order, out of nested lists."""
        return [self.values[item.index] for item in tensors_of([*self.call.arguments, *self.call.keywords.values()])]

    def one_input(self) -> Value:
        values = self.tensors()
        if len(values) != 1:
            raise self.refuse(f"takes one input, has {len(values)}")
        return values[0]

    def one_map(self) -> Value:
        value = self.one_input()
        if value.rank != 4 or value.shape[2] is None:
            raise self.refuse("needs a map (batch, height, width, channels) as its input")
        self.check_channels_last()
        return value

    def check_channels_last(self) -> None:
        if self.config.get("data_format") not in (None, "channels_last"):
            raise self.refuse("channels come first; build the model with data_format='channels_last'")

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """A non-tensor argument of an operation: a keyword, a positional one, or from the configuration."""
        self.read_keywords.add(name)
        self.read_arguments = max(self.read_arguments, position + 1)
        if name in self.call.keywords:
            return self.call.keywords[name]
        if position < len(self.call.arguments):
            return self.call.arguments[position]
        return self.config.get(name, default)

    def setting(self, names: Sequence[str], default: Any = None) -> Any:
        """A keyword of the call or a field of the configuration, under whichever of the names it stands."""
        self.read_keywords.update(names)
        for place in (self.call.keywords, self.config):
            for name in names:
                if name in place:
                    return place[name]
        return default

    # ---- geometry ----

    def padding(
        self, value: Value, kernel: Tuple[int, int], strides: Tuple[int, int], dilation: Tuple[int, int]
    ) -> Tuple[bool, Tuple[int, int, int, int], Tuple[Optional[int], Optional[int]]]:
        """(same by the engine, four paddings, output height and width) of a layer's `padding`.

        'same' with stride 1 needs the same numbers for every input size; with another stride they are worked
        out where the size is known, and left to the engine where it is not.
        """
        mode = checked.one_of(self.config.get("padding"), f"{self.what}: padding", ("same", "valid"))
        sides = value.shape[:2]
        same = mode == "same" and any(n is None and s > 1 for n, s in zip(sides, strides))
        before_after = []
        out: List[Optional[int]] = []
        for n, k, s, d in zip(sides, kernel, strides, dilation):
            reach = (k - 1) * d + 1
            if mode == "same":
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
