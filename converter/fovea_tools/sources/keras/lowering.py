# SPDX-License-Identifier: Apache-2.0
"""The state of one conversion from Keras: the builder of the graph, and what the handlers of layers and operations ask of a call."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Set, Tuple

import numpy as np

from ... import checked
from ...builder.builder import Builder, Value, Window
from ...errors import ConversionError
from . import activations
from .reader import KerasFile
from .topology import Call, Network, Tensor

# What stands in every operation's configuration.
OPERATION_FIELDS = ("name", "trainable", "dtype", "function")

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


class Lowering:
    """State of one conversion: the builder of the graph, and what the call at hand says."""

    def __init__(self, file: KerasFile, network: Network, keep_layers: bool) -> None:
        self.file = file
        self.network = network
        self.build = Builder(network.input_shape, file.stored_bytes, keep_layers)
        self.values: Dict[int, Value] = {0: self.build.input()}
        self.call: Call = None  # type: ignore[assignment]
        self.read_keywords: Set[str] = set()
        self.read_arguments = 1

    def begin(self, call: Call) -> None:
        self.call = call
        self.build.begin(call.layer.name, str(call.layer))
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
        return self.build.what

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
        return self.build.refuse(reason)

    def activate(self, value: Value) -> Value:
        """The layer's own activation after value."""
        function = activations.from_config(self.config.get("activation"), self.file.major, self.what)
        return self.build.activation(value, function, inner=True)

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

    def window(self) -> Window:
        """Strides, dilation and padding of a convolution."""
        strides = checked.pair(self.config.get("strides", 1), f"{self.what}: strides", 1)
        dilation = checked.pair(self.config.get("dilation_rate", 1), f"{self.what}: dilation_rate", 1)
        return Window(strides, dilation, self.padding())

    def padding(self) -> str:
        return checked.one_of(self.config.get("padding"), f"{self.what}: padding", ("same", "valid"))

    def channel_vector(self, value: Value, setting: object, name: str) -> np.ndarray:
        """A constant as one double for each channel of value."""
        channels = self.build.channels(value)
        what = f"{self.what}: {name}"
        while isinstance(setting, (list, tuple)) and len(setting) == 1:
            setting = setting[0]
        if isinstance(setting, (list, tuple)):
            if len(setting) != channels:
                raise ConversionError(f"{what}: {len(setting)} numbers for {channels} channels")
            return np.array([checked.number(item, what) for item in setting], np.float64)
        return np.full(channels, checked.number(setting, what), np.float64)

    def concat(self, values: Sequence[Value], axis: object) -> Value:
        if not values:
            raise self.refuse("has no inputs")
        rank = values[0].rank
        if any(value.rank != rank for value in values) or rank == 3 or axis not in (-1, rank - 1):
            raise self.refuse(f"joins along axis {checked.shown(axis)}; only along the channels, the last axis, is converted")
        return self.build.concat(values)

    def reshape(self, value: Value, shape: Sequence[object]) -> Value:
        """shape: without the batch."""
        return self.build.reshape(value, [checked.integer(size, f"{self.what}: target shape", -1) for size in shape])
