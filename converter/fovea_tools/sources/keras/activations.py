# SPDX-License-Identifier: Apache-2.0
"""Activations as Keras names them, as (name in the model file, parameter)."""

from __future__ import annotations

from typing import Any, Tuple

from ... import checked
from ...builder.builder import SOFTMAX
from ...errors import ConversionError
from .topology import own_class

PLAIN = {
    "linear": "none", "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid", "swish": "swish", "silu": "swish",
    "hard_swish": "hard_swish", "hard_silu": "hard_swish", "tanh": "tanh", "gelu": "gelu", "softplus": "softplus",
}


def by_name(name: str, major: int, what: str) -> Tuple[str, float]:
    """The function that a string stands for in that major version of Keras."""
    if name == "hard_sigmoid":
        # The same string: clip(0.2 x + 0.5, 0, 1) up to Keras 2, relu6(x + 3) / 6 from Keras 3.
        return ("hard_sigmoid_keras2" if major < 3 else "hard_sigmoid"), 0.0
    if name == "elu":
        return "elu", 1.0
    if name == "leaky_relu":
        return "leaky_relu", 0.2
    if name == SOFTMAX:
        return SOFTMAX, 0.0
    if name in PLAIN:
        return PLAIN[name], 0.0
    known = sorted([*PLAIN, "hard_sigmoid", "elu", "leaky_relu", "softmax"])
    raise ConversionError(f"{what}: activation {checked.shown(name)} is not known; known: {', '.join(known)}")


def from_config(value: Any, major: int, what: str) -> Tuple[str, float]:
    """What the `activation` field of a layer means: a string, a serialised function or a layer."""
    if value is None:
        return "none", 0.0
    if isinstance(value, dict):
        class_name = value.get("class_name")
        inner = value.get("config")
        told = own_class(value)
        if told is not None:
            # Of its own functions Keras writes the name alone.
            shown = inner if class_name == "function" else class_name
            raise ConversionError(f"{what}: activation {checked.shown(shown)} is of your own ({told}); use one of Keras's own by name")
        if class_name == "function":
            name = inner.get("name") if isinstance(inner, dict) else inner
            return by_name(checked.text(name, f"{what}: activation"), major, what)
        if isinstance(class_name, str) and class_name in ("ReLU", "LeakyReLU", "ELU", "Softmax", "Activation"):
            return from_layer(class_name, checked.mapping(inner, f"{what}: activation"), major, what)
        raise ConversionError(f"{what}: activation {checked.shown(class_name)} is not known; use one of Keras's own by name")
    return by_name(checked.text(value, f"{what}: activation"), major, what)


def from_layer(class_name: str, config: Any, major: int, what: str) -> Tuple[str, float]:
    """The function of an activation layer."""
    if class_name == "Activation":
        return from_config(config.get("activation"), major, what)
    if class_name == "Softmax":
        if config.get("axis", -1) not in (-1, [-1]):
            raise ConversionError(f"{what}: softmax over axis {checked.shown(config.get('axis'))}; only the last one is converted")
        return SOFTMAX, 0.0
    if class_name == "LeakyReLU":
        slope = config.get("negative_slope", config.get("alpha", 0.3))
        return "leaky_relu", checked.number(slope, f"{what}: slope")
    if class_name == "ELU":
        return "elu", checked.number(config.get("alpha", 1.0), f"{what}: alpha")
    return relu(config.get("max_value"), config.get("negative_slope"), config.get("threshold"), what)


def relu(max_value: Any, negative_slope: Any, threshold: Any, what: str) -> Tuple[str, float]:
    """ReLU with the settings that Keras gives it; None means its default."""
    slope = checked.number(negative_slope or 0.0, f"{what}: negative_slope")
    if checked.number(threshold or 0.0, f"{what}: threshold") != 0.0:
        raise ConversionError(f"{what}: a threshold other than 0 is not converted")
    if max_value is None:
        return ("leaky_relu", slope) if slope != 0.0 else ("relu", 0.0)
    if checked.number(max_value, f"{what}: max_value") == 6.0 and slope == 0.0:
        return "relu6", 0.0
    raise ConversionError(f"{what}: ReLU with max_value {max_value} and slope {slope}; max_value 6 or none is converted")
