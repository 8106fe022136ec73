# SPDX-License-Identifier: Apache-2.0
"""Functions called on tensors: TFOpLambda layers of Keras 2 and operation nodes of Keras 3."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from ... import checked
from ...builder.builder import SOFTMAX, Value
from ...builder.graph import is_affine
from ...errors import ConversionError
from . import activations
from .lowering import Lowering
from .topology import Layer, Tensor

# The function field of Keras 2's TFOpLambda -> the name of the operation below.
TENSORFLOW_NAMES = {
    "__operators__.add": "Add", "math.add": "Add", "nn.bias_add": "Add", "math.add_n": "AddN",
    "math.subtract": "Subtract", "__operators__.sub": "Subtract", "math.negative": "Negative",
    "math.multiply": "Multiply", "__operators__.mul": "Multiply",
    "math.truediv": "TrueDivide", "math.divide": "TrueDivide", "__operators__.truediv": "TrueDivide",
    "math.reduce_mean": "Mean", "math.reduce_max": "Max", "concat": "Concatenate",
    "expand_dims": "ExpandDims", "squeeze": "Squeeze", "compat.v1.squeeze": "Squeeze", "reshape": "Reshape",
    "clip_by_value": "Clip", "cast": "Cast", "identity": "Identity", "stop_gradient": "Identity",
    "__operators__.getitem": "GetItem", "stack": "Stack", "reverse": "Flip",
    "nn.relu": "Relu", "nn.relu6": "Relu6", "math.sigmoid": "Sigmoid", "nn.sigmoid": "Sigmoid", "math.tanh": "Tanh",
    "nn.tanh": "Tanh", "nn.silu": "Silu", "nn.swish": "Silu", "nn.elu": "Elu", "nn.leaky_relu": "LeakyRelu",
    "nn.gelu": "Gelu", "math.softplus": "Softplus", "nn.softplus": "Softplus", "nn.softmax": "Softmax",
    "compat.v1.pad": "Pad", "pad": "Pad",
}


def handler(layer: Layer) -> Callable[[Lowering], Value]:
    """What converts the operation; refuses one that has no counterpart."""
    name: Optional[str] = layer.class_name
    shown = layer.class_name
    if layer.class_name in ("TFOpLambda", "SlicingOpLambda"):
        shown = "tf." + checked.text(layer.config.get("function"), f"{layer}: function")
        name = TENSORFLOW_NAMES.get(shown[3:])
    if name in HANDLERS:
        return HANDLERS[name]
    told = "" if layer.module or layer.class_name in ("TFOpLambda", "SlicingOpLambda") else (
        ". If it is a layer of your own: build the network from Keras's layers"
    )
    raise ConversionError(f"{layer}: not supported: the function {checked.shown(shown)} has no counterpart in the model file{told}")


OPERAND_KEYWORDS = ("x", "x1", "value", "y", "x2")


def operands(state: Lowering, second: str) -> List[Any]:
    """The two operands in order, a Value or a constant each. The second's keyword differs by function."""
    found: List[Any] = []
    state.read_keywords.update((second, *OPERAND_KEYWORDS))
    state.read_arguments = len(state.call.arguments)
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
    return state.channel_vector(value, setting, "constant")


def same_rank(state: Lowering, left: Value, right: Value) -> None:
    """Operations, unlike merge layers, line shapes up from the last axis on."""
    if left.rank != right.rank:
        raise state.refuse("its operands have different numbers of dimensions; use an Add or Multiply layer or keepdims=True")


def add(state: Lowering) -> Value:
    left, right = operands(state, "bias")
    if state.setting(["data_format"]) not in (None, "NHWC", "NC"):
        raise state.refuse("adds along another axis than the last")
    if not isinstance(left, Value):
        left, right = right, left
    if isinstance(right, Value):
        same_rank(state, left, right)
        return state.build.binary("add", left, right)
    offset = constant(state, left, right)
    return state.build.affine(left, np.ones_like(offset), offset)


def add_n(state: Lowering) -> Value:
    values = state.tensors()
    result = values[0]
    for value in values[1:]:
        same_rank(state, result, value)
        result = state.build.binary("add", result, value)
    return result


def subtract(state: Lowering) -> Value:
    left, right = operands(state, "y")
    if isinstance(left, Value) and isinstance(right, Value):
        same_rank(state, left, right)
        return state.build.difference(left, right)
    if isinstance(left, Value):
        offset = -constant(state, left, right)
        return state.build.affine(left, np.ones_like(offset), offset)
    offset = constant(state, right, left)
    return state.build.affine(right, -np.ones_like(offset), offset)


def negative(state: Lowering) -> Value:
    value = state.one_input()
    offset = constant(state, value, 0.0)
    return state.build.affine(value, offset - 1.0, offset)


def multiply(state: Lowering) -> Value:
    left, right = operands(state, "y")
    if not isinstance(left, Value):
        left, right = right, left
    if isinstance(right, Value):
        same_rank(state, left, right)
        return state.build.binary("multiply", left, right)
    scale = constant(state, left, right)
    return state.build.affine(left, scale, np.zeros_like(scale))


def divide(state: Lowering) -> Value:
    left, right = operands(state, "y")
    if not isinstance(left, Value) or isinstance(right, Value):
        raise state.refuse("divides by a tensor; only division by a constant is converted")
    divisor = constant(state, left, right)
    if (divisor == 0).any():
        raise state.refuse("divides by 0")
    return state.build.affine(left, 1.0 / divisor, np.zeros_like(divisor))


def reduction(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_input()
        axis = state.argument(1, "axis")
        keep_dimensions = checked.flag(state.argument(2, "keepdims", False) or False, f"{state.what}: keepdims")
        axes = axis if isinstance(axis, list) else [axis]
        if value.rank == 4 and all(isinstance(item, int) for item in axes):
            normal = sorted(item % 4 if -4 <= item < 4 else item for item in axes)
            if normal == [3]:
                return state.build.channel_reduce(kind, value, keep_dimensions)
            if normal == [1, 2]:
                return state.build.global_pool(kind, value, keep_dimensions)
        raise state.refuse(f"reduces axis {checked.shown(axis)}; over the channels of a map, or over its height and width, is converted")

    return handle


def concatenate(state: Lowering) -> Value:
    return state.concat(state.tensors(), state.argument(1, "axis", -1))


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
    shape = state.argument(1, "shape", state.setting(["newshape"]))
    sizes = checked.sequence(shape, f"{state.what}: shape")
    if not sizes or sizes[0] not in (-1, None):
        raise state.refuse(f"reshapes to {checked.shown(shape)}: the first size, the batch, must be -1")
    return state.reshape(state.one_input(), sizes[1:])


def clip(state: Lowering) -> Value:
    value = state.one_input()
    low = state.argument(1, "clip_value_min", state.setting(["x_min"]))
    high = state.argument(2, "clip_value_max", state.setting(["x_max"]))
    limits = (checked.number(low, f"{state.what}: lower limit"), checked.number(high, f"{state.what}: upper limit"))
    if limits == (0.0, 6.0):
        return state.build.activation(value, ("relu6", 0.0))
    before = value.node
    if limits == (0.0, 1.0) and is_affine(before, 1.0, 0.5) and is_affine(before.inputs[0], 0.2, 0.0):
        # keras.activations.hard_sigmoid(x) of Keras 2, spelled out.
        scaled = before.inputs[0]
        return state.build.activation(Value(scaled.inputs[0], value.rank), ("hard_sigmoid_keras2", 0.0))
    raise state.refuse(f"limits values to {limits[0]} to {limits[1]}; 0 to 6 is converted, and 0 to 1 of 0.2 x + 0.5")


def pad_operation(state: Lowering) -> Value:
    value = state.one_map()
    what = f"{state.what}: paddings"
    sides = checked.sequence(state.argument(1, "paddings", state.setting(["pad_width"])), what)
    mode = state.argument(2, "mode", "CONSTANT")
    fill = state.setting(["constant_values"], 0)
    if not isinstance(mode, str) or mode.upper() != "CONSTANT" or fill not in (0, None):
        raise state.refuse("pads with something else than zeros")
    pairs = [checked.pair(side, what, 0) for side in sides]
    if len(pairs) != 4 or pairs[0] != (0, 0) or pairs[3] != (0, 0):
        raise state.refuse("pads other axes than height and width")
    return state.build.pad(value, (pairs[1][0], pairs[2][0], pairs[1][1], pairs[2][1]))


def function(name: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_input()
        if name == "leaky_relu":
            slope = state.argument(1, "alpha", state.setting(["negative_slope"], 0.2))
            chosen = ("leaky_relu", checked.number(slope, f"{state.what}: slope"))
        elif name == "elu":
            chosen = ("elu", checked.number(state.argument(1, "alpha", 1.0), f"{state.what}: alpha"))
        elif name == "gelu":
            # Keras 3's operation approximates unless told otherwise.
            default = state.call.layer.class_name != "TFOpLambda"
            if state.argument(1, "approximate", default):
                raise state.refuse("the approximation of gelu by tanh; use approximate=False")
            chosen = ("gelu", 0.0)
        elif name == SOFTMAX:
            if state.argument(1, "axis", -1) not in (-1, value.rank - 1):
                raise state.refuse("softmax over another axis than the last")
            chosen = (SOFTMAX, 0.0)
        else:
            chosen = (name, 0.0)
        if name == "swish" and checked.number(state.argument(1, "beta", 1.0), f"{state.what}: beta") != 1.0:
            raise state.refuse("swish with a beta other than 1")
        return state.build.activation(value, chosen)

    return handle


def relu_with_settings(state: Lowering) -> Value:
    """keras.activations.relu(x, ...) of Keras 3, an operation of its own where settings are given."""
    value = state.one_input()
    settings = (state.argument(1, "max_value"), state.argument(2, "negative_slope"), state.argument(3, "threshold"))
    return state.build.activation(value, activations.relu(*settings, state.what))


def cast(state: Lowering) -> Value:
    dtype = state.argument(1, "dtype")
    if not isinstance(dtype, str) or not re.fullmatch(r"b?float\d+", dtype):
        raise state.refuse(f"turns values into {checked.shown(dtype)}, which rounds them; only types of floating point are converted")
    return state.one_input()


def flip(state: Lowering) -> Value:
    """Channels in the reverse order."""
    value = state.one_input()
    axis = state.argument(1, "axis")
    axes = axis if isinstance(axis, list) else [axis]
    if value.rank == 3 or value.shape[2] is None or axes not in ([-1], [value.rank - 1]):
        raise state.refuse(f"reverses axis {checked.shown(axis)}; only the order of the channels is converted")
    return state.build.select_channels(value, list(range(value.shape[2]))[::-1])


def stack(state: Lowering) -> Value:
    values = state.tensors()
    axis = state.argument(1, "axis", 0)
    if any(value.rank != 3 for value in values) or axis not in (-1, 3):
        raise state.refuse(f"stacks along axis {checked.shown(axis)}; only maps without channels along a new last axis are converted")
    return state.build.stack_channels(values)


def get_item(state: Lowering) -> Value:
    """x[...]: channels picked, axes of one element dropped or put in."""
    value = state.one_input()
    spec = state.argument(1, "slice_spec", state.setting(["key"]))
    return slice_value(state, value, spec if isinstance(spec, list) else [spec])


def whole(item: Any) -> bool:
    return isinstance(item, dict) and [item.get(key) for key in ("start", "stop")] == [None, None] and item.get("step") in (None, 1)


def slice_value(state: Lowering, value: Value, spec: List[Any]) -> Value:
    """Python's slicing by a list of integers, None (a new axis), slices as dictionaries, and one ellipsis."""
    what = f"{state.what}: slice"
    # Axes of the value, outermost first: the batch, then height, width, channels as far as its rank has them.
    axes = {4: "nhwc", 3: "nhw", 2: "nc"}[value.rank]
    sizes = dict(zip("hwc", value.shape))
    every = {"start": None, "stop": None, "step": None}
    dots = [index for index, item in enumerate(spec) if is_ellipsis(item)]
    used = sum(item is not None for item in spec) - len(dots)
    if len(dots) > 1 or used > len(axes):
        raise state.refuse(f"slices {len(axes)} axes by {checked.shown(spec)}")
    place = dots[0] if dots else len(spec)
    spec = spec[:place] + [every] * (len(axes) - used) + spec[place + len(dots) :]
    left = list(axes)
    result = ""
    channels = None if value.rank == 3 or sizes["c"] is None else list(range(sizes["c"]))
    for item in spec:
        if item is None:
            result += "1"
            continue
        axis = left.pop(0)
        if whole(item):
            result += axis
        elif axis == "n":
            raise state.refuse("slices the batch")
        elif axis == "c" and channels is not None:
            channels = sliced(channels, item, what)
            if not channels:
                raise state.refuse("its slice is empty")
            result += "c" if isinstance(item, dict) else ""
        elif sizes[axis] == 1 and sliced([0], item, what) == [0]:
            result += axis if isinstance(item, dict) else ""
        else:
            raise state.refuse(f"cuts a part out along the {dict(h='height', w='width', c='channels')[axis]}; only channels are picked")
    rank = SLICE_RANKS.get((value.rank, result))
    if rank is None:
        raise state.refuse(f"slices to the axes {result}, which is not converted")
    if channels is not None:
        value = state.build.select_channels(value, channels)
    return Value(value.node, rank)


# (dimensions before, axes left: 1 is a new one) -> dimensions after.
SLICE_RANKS = {
    (4, "nhwc"): 4, (4, "nhw"): 3, (4, "nc"): 2, (4, "nhw1"): 4,
    (3, "nhw"): 3, (3, "nhw1"): 4,
    (2, "nc"): 2, (2, "n11c"): 4,
}


def is_ellipsis(item: Any) -> bool:
    return item == "Ellipsis" or isinstance(item, dict) and item.get("class_name") == "__ellipsis__"


def sliced(items: List[int], item: Any, what: str) -> List[int]:
    """items[item], as a list also for a single index."""
    if isinstance(item, dict):
        parts = [item.get(key) for key in ("start", "stop", "step")]
        start, stop, step = (None if part is None else checked.integer(part, what, -checked.LARGEST_SIZE) for part in parts)
        if step == 0:
            raise ConversionError(f"{what}: a step of 0")
        return items[start:stop:step]
    index = checked.integer(item, what, -len(items), len(items) - 1)
    return [items[index]]


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
    "Amax": reduction("max"),
    "Cast": cast,
    "Flip": flip,
    "GetItem": get_item,
    "Stack": stack,
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
    "Softmax": function(SOFTMAX),
}
