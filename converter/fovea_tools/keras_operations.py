# SPDX-License-Identifier: Apache-2.0
"""Functions called on tensors: TFOpLambda layers of Keras 2 and operation nodes of Keras 3."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

import numpy as np

from . import activations, checked
from .errors import ConversionError
from .keras_layers import affine, binary, channel_vector, concat, difference, global_pool, pad, reshape_to
from .lower import Lowering, Value
from .topology import Layer, Tensor

# The function field of Keras 2's TFOpLambda -> the name of the operation below.
TENSORFLOW_NAMES = {
    "__operators__.add": "Add", "math.add": "Add", "nn.bias_add": "Add", "math.add_n": "AddN",
    "math.subtract": "Subtract", "__operators__.sub": "Subtract", "math.negative": "Negative",
    "math.multiply": "Multiply", "__operators__.mul": "Multiply",
    "math.truediv": "TrueDivide", "math.divide": "TrueDivide", "__operators__.truediv": "TrueDivide",
    "math.reduce_mean": "Mean", "math.reduce_max": "Max", "concat": "Concatenate",
    "expand_dims": "ExpandDims", "squeeze": "Squeeze", "compat.v1.squeeze": "Squeeze", "reshape": "Reshape",
    "clip_by_value": "Clip", "cast": "Identity", "identity": "Identity", "stop_gradient": "Identity",
    "nn.relu": "Relu", "nn.relu6": "Relu6", "math.sigmoid": "Sigmoid", "nn.sigmoid": "Sigmoid", "math.tanh": "Tanh",
    "nn.tanh": "Tanh", "nn.silu": "Silu", "nn.swish": "Silu", "nn.elu": "Elu", "nn.leaky_relu": "LeakyRelu",
    "nn.gelu": "Gelu", "math.softplus": "Softplus", "nn.softplus": "Softplus", "nn.softmax": "Softmax",
    "compat.v1.pad": "Pad", "pad": "Pad",
}


def handler(layer: Layer) -> Callable[[Lowering], Value]:
    """What converts the operation; refuses one that has no counterpart."""
    if layer.class_name == "SlicingOpLambda":
        raise ConversionError(f"{layer}: not supported: slices a tensor; a network for BGR input is converted with --bgr")
    name: Optional[str] = layer.class_name
    shown = layer.class_name
    if layer.class_name == "TFOpLambda":
        shown = "tf." + checked.text(layer.config.get("function"), f"{layer}: function")
        name = TENSORFLOW_NAMES.get(shown[3:])
    if name in HANDLERS:
        return HANDLERS[name]
    raise ConversionError(f"{layer}: not supported: the function {checked.shown(shown)} has no counterpart in the model file")


def operands(state: Lowering, second: str) -> List[Any]:
    """The two operands in order, a Value or a constant each. The second's keyword differs by function."""
    found: List[Any] = []
    for item in state.call.arguments:
        found.extend(item if isinstance(item, list) and any(isinstance(part, Tensor) for part in item) else [item])
    for key in ("x", "x1", "value"):
        if key in state.call.keywords:
            found.insert(0, state.call.keywords[key])
    for key in dict.fromkeys((second, "y", "x2")):
        if key in state.call.keywords:
            found.append(state.call.keywords[key])
    if len(found) != 2:
        raise state.refuse(f"takes two operands, has {len(found)}")
    return [state.values[item.index] if isinstance(item, Tensor) else item for item in found]


def constant(state: Lowering, value: Value, setting: Any) -> np.ndarray:
    if value.rank == 3 and isinstance(setting, list):
        raise state.refuse("a constant array next to a tensor without channels")
    return channel_vector(state, value, setting, "constant")


def same_rank(state: Lowering, left: Value, right: Value) -> None:
    """Operations, unlike merge layers, line shapes up from the last axis on."""
    if left.rank != right.rank:
        raise state.refuse("its operands have different numbers of dimensions; use an Add or Multiply layer or keepdims=True")


def add(state: Lowering) -> Value:
    left, right = operands(state, "bias")
    if not isinstance(left, Value):
        left, right = right, left
    if isinstance(right, Value):
        same_rank(state, left, right)
        return binary(state, "add", left, right)
    offset = constant(state, left, right)
    return affine(state, left, np.ones_like(offset), offset)


def add_n(state: Lowering) -> Value:
    values = state.tensors()
    result = values[0]
    for value in values[1:]:
        same_rank(state, result, value)
        result = binary(state, "add", result, value)
    return result


def subtract(state: Lowering) -> Value:
    left, right = operands(state, "y")
    if isinstance(left, Value) and isinstance(right, Value):
        same_rank(state, left, right)
        return difference(state, left, right)
    if isinstance(left, Value):
        offset = -constant(state, left, right)
        return affine(state, left, np.ones_like(offset), offset)
    offset = constant(state, right, left)
    return affine(state, right, -np.ones_like(offset), offset)


def negative(state: Lowering) -> Value:
    value = state.one_input()
    offset = constant(state, value, 0.0)
    return affine(state, value, offset - 1.0, offset)


def multiply(state: Lowering) -> Value:
    left, right = operands(state, "y")
    if not isinstance(left, Value):
        left, right = right, left
    if isinstance(right, Value):
        same_rank(state, left, right)
        return binary(state, "multiply", left, right)
    scale = constant(state, left, right)
    return affine(state, left, scale, np.zeros_like(scale))


def divide(state: Lowering) -> Value:
    left, right = operands(state, "y")
    if not isinstance(left, Value) or isinstance(right, Value):
        raise state.refuse("divides by a tensor; only division by a constant is converted")
    divisor = constant(state, left, right)
    if (divisor == 0).any():
        raise state.refuse("divides by 0")
    return affine(state, left, 1.0 / divisor, np.zeros_like(divisor))


def reduction(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_input()
        axis = state.argument(1, "axis")
        keepdims = checked.flag(state.argument(2, "keepdims", False) or False, f"{state.what}: keepdims")
        axes = axis if isinstance(axis, list) else [axis]
        if value.rank == 4 and all(isinstance(item, int) for item in axes):
            normal = sorted(item % 4 if -4 <= item < 4 else item for item in axes)
            if normal == [3]:
                node = state.emit(
                    "channel_reduce", [value.node], (*value.shape[:2], 1), variant=1 if kind == "max" else 0
                )
                return Value(node, 4 if keepdims else 3)
            if normal == [1, 2]:
                return global_pool(state, value, kind, keepdims)
        raise state.refuse(f"reduces axis {checked.shown(axis)}; over the channels of a map, or over its height and width, is converted")

    return handle


def concatenate(state: Lowering) -> Value:
    return concat(state, state.tensors(), state.argument(1, "axis", -1))


def expand_dims(state: Lowering) -> Value:
    value = state.one_input()
    axis = state.argument(1, "axis")
    if value.rank == 3 and axis in (-1, 3):
        return Value(value.node, 4)
    raise state.refuse(f"adds axis {checked.shown(axis)}; only the dropped channel axis can be put back")


def squeeze(state: Lowering) -> Value:
    value = state.one_input()
    axis = state.argument(1, "axis")
    axes = sorted(axis if isinstance(axis, list) else [axis], key=str)
    if value.rank == 4 and axes == [1, 2] and value.shape[:2] == (1, 1):
        return Value(value.node, 2)
    if value.rank == 4 and axes in ([-1], [3]) and value.shape[2] == 1:
        return Value(value.node, 3)
    raise state.refuse(f"drops axis {checked.shown(axis)}; height and width of a single pixel, or a single channel, is converted")


def reshape(state: Lowering) -> Value:
    shape = state.argument(1, "shape", state.config.get("newshape"))
    sizes = checked.sequence(shape, f"{state.what}: shape")
    if not sizes or sizes[0] not in (-1, None):
        raise state.refuse(f"reshapes to {checked.shown(shape)}: the first size, the batch, must be -1")
    return reshape_to(state, state.one_input(), sizes[1:])


def clip(state: Lowering) -> Value:
    value = state.one_input()
    low = state.argument(1, "clip_value_min", state.config.get("x_min", state.call.keywords.get("x_min")))
    high = state.argument(2, "clip_value_max", state.config.get("x_max", state.call.keywords.get("x_max")))
    limits = (checked.number(low, f"{state.what}: lower limit"), checked.number(high, f"{state.what}: upper limit"))
    if limits == (0.0, 6.0):
        return Value(state.activate(value.node, ("relu6", 0.0), False), value.rank)
    before = value.node
    if limits == (0.0, 1.0) and before.kind == "affine" and constant_affine(before, 1.0, 0.5):
        inner = before.inputs[0]
        if inner.kind == "affine" and constant_affine(inner, 0.2, 0.0):
            # keras.activations.hard_sigmoid(x) of Keras 2, spelled out.
            return Value(state.activate(inner.inputs[0], ("hard_sigmoid_keras2", 0.0), False), value.rank)
    raise state.refuse(f"limits values to {limits[0]} to {limits[1]}; 0 to 6 is converted, and 0 to 1 of 0.2 x + 0.5")


def constant_affine(node: Any, scale: float, offset: float) -> bool:
    """True where the affine node is x * scale + offset in all channels, to float32 precision."""
    return bool(np.allclose(node.weights, scale, rtol=1e-6, atol=0) and np.allclose(node.bias, offset, rtol=1e-6, atol=0))


def pad_operation(state: Lowering) -> Value:
    value = state.one_map()
    what = f"{state.what}: paddings"
    sides = checked.sequence(state.argument(1, "paddings", state.config.get("pad_width")), what)
    mode = state.argument(2, "mode", "CONSTANT")
    fill = state.call.keywords.get("constant_values", 0)
    if not isinstance(mode, str) or mode.upper() != "CONSTANT" or fill not in (0, None):
        raise state.refuse("pads with something else than zeros")
    pairs = [checked.pair(side, what, 0) for side in sides]
    if len(pairs) != 4 or pairs[0] != (0, 0) or pairs[3] != (0, 0):
        raise state.refuse("pads other axes than height and width")
    return pad(state, value, (pairs[1][0], pairs[2][0], pairs[1][1], pairs[2][1]))


def function(name: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_input()
        if name == "leaky_relu":
            slope = state.argument(1, "alpha", state.config.get("negative_slope", 0.2))
            chosen = ("leaky_relu", checked.number(slope, f"{state.what}: slope"))
        elif name == "elu":
            chosen = ("elu", checked.number(state.argument(1, "alpha", 1.0), f"{state.what}: alpha"))
        elif name == "gelu":
            # Keras 3's operation approximates unless told otherwise.
            default = state.call.layer.class_name != "TFOpLambda"
            if state.argument(1, "approximate", default):
                raise state.refuse("the approximation of gelu by tanh; use approximate=False")
            chosen = ("gelu", 0.0)
        elif name == activations.SOFTMAX:
            if state.argument(1, "axis", -1) not in (-1, value.rank - 1):
                raise state.refuse("softmax over another axis than the last")
            chosen = (activations.SOFTMAX, 0.0)
        else:
            chosen = (name, 0.0)
        return Value(state.activate(value.node, chosen, False), value.rank)

    return handle


def relu_with_settings(state: Lowering) -> Value:
    """keras.activations.relu(x, ...) of Keras 3, an operation of its own where settings are given."""
    value = state.one_input()
    settings = (state.argument(1, "max_value"), state.argument(2, "negative_slope"), state.argument(3, "threshold"))
    return Value(state.activate(value.node, activations.relu(*settings, state.what), False), value.rank)


HANDLERS: Dict[str, Callable[[Lowering], Value]] = {
    "Add": add,
    "AddN": add_n,
    "Subtract": subtract,
    "Negative": negative,
    "Multiply": multiply,
    "TrueDivide": divide,
    "Divide": divide,
    "Mean": reduction("average"),
    "Max": reduction("max"),
    "Concatenate": concatenate,
    "ExpandDims": expand_dims,
    "Squeeze": squeeze,
    "Reshape": reshape,
    "Clip": clip,
    "Pad": pad_operation,
    "Identity": lambda state: state.one_input(),
    "Relu": function("relu"),
    "ReLU": relu_with_settings,
    "Relu6": function("relu6"),
    "Sigmoid": function("sigmoid"),
    "HardSigmoid": function("hard_sigmoid"),
    "HardSilu": function("hard_swish"),
    "HardSwish": function("hard_swish"),
    "Silu": function("swish"),
    "Swish": function("swish"),
    "Tanh": function("tanh"),
    "Elu": function("elu"),
    "LeakyRelu": function("leaky_relu"),
    "Gelu": function("gelu"),
    "Softplus": function("softplus"),
    "Softmax": function(activations.SOFTMAX),
}
