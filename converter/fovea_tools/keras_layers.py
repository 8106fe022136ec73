# SPDX-License-Identifier: Apache-2.0
"""Keras layers, one handler a class: what each becomes in the model file."""

from __future__ import annotations

from typing import Callable, Dict, List, Tuple

import numpy as np

from . import activations, checked
from .errors import ConversionError
from .graph import Node
from .lowering import LARGEST_CONCAT, LARGEST_PADDING, Lowering, Value

# Numbers in the matrix of ones and zeros that picks channels.
LARGEST_SELECTION = 1 << 22
# Elements of a value that the engine takes.
LARGEST_VALUE = 1 << 30
from .topology import Layer

# Layers that hand their input on when the model is not being trained; whether they are is asked of each call.
TRAINING_LAYERS = (
    "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
    "RandomHeight", "RandomWidth", "RandomShear", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomPosterization",
    "RandomColorDegeneration", "RandomColorJitter", "RandomGrayscale", "RandomInvert", "RandomPerspective",
    "RandomGaussianBlur", "RandomElasticTransform", "RandomErasing", "RandAugment", "AugMix", "MixUp", "CutMix",
)
# Layers that hand their input on always.
IDENTITY_LAYERS = ("ActivityRegularization", "Identity")

ADVICE = {
    "Lambda": "it holds Python code, which is not read; use the operation itself (tf.reduce_mean, keras.ops.mean, ...) or a layer",
    "Resizing": "resizing belongs to the photo's preprocessing; build the model without it",
    "RandomCrop": "it crops or resizes outside training too; build the model without it",
    "LayerNormalization": "this normalisation has no counterpart in the model file; use BatchNormalization",
    "GroupNormalization": "this normalisation has no counterpart in the model file; use BatchNormalization",
    "UnitNormalization": "this normalisation has no counterpart in the model file; use BatchNormalization",
    "TFSMLayer": "it wraps a SavedModel, which is not read; build the network from layers",
}


def handler(layer: Layer) -> Callable[[Lowering], Value]:
    """What converts the layer; refuses a class that has no counterpart."""
    refuse_quantised(layer)
    if layer.class_name in IDENTITY_LAYERS:
        return identity
    if layer.class_name in TRAINING_LAYERS:
        return identity_at_inference
    if layer.class_name in HANDLERS:
        missing = [name for name in ("trainable", *SETTINGS.get(layer.class_name, ())) if name not in layer.config]
        if missing:
            # An .h5 file does not say of which module a class is: its settings are the only sign.
            raise ConversionError(
                f"{layer}: has no setting {missing[0]!r}, which Keras's own {layer.class_name} stores: a layer of your own, or a damaged file"
            )
        return HANDLERS[layer.class_name]
    advice = ADVICE.get(layer.class_name)
    if advice is None:
        own = "trainable" not in layer.config  # every layer of Keras stores it
        whose = "a layer of your own" if own else "this layer" if layer.module else "this layer, one of Keras's or of your own,"
        advice = f"{whose} has no counterpart in the model file; build the network {'from layers of Keras' if own else 'without it'}"
    raise ConversionError(f"{layer}: not supported: {advice}")


# Settings that Keras stores for its own layer, in all versions read.
SETTINGS = {
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias"),
    "DepthwiseConv2D": ("kernel_size", "strides", "padding", "depth_multiplier", "activation", "use_bias"),
    "SeparableConv2D": ("filters", "kernel_size", "strides", "padding", "depth_multiplier", "activation", "use_bias"),
    "Dense": ("units", "activation", "use_bias"),
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "SyncBatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Normalization": ("axis",),
    "Rescaling": ("scale", "offset"),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "GlobalAveragePooling2D": ("data_format",),
    "GlobalMaxPooling2D": ("data_format",),
    "Flatten": ("data_format",),
    "Reshape": ("target_shape",),
    "ZeroPadding2D": ("padding",),
    "Concatenate": ("axis",),
    "Activation": ("activation",),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "ELU": ("alpha",),
    "Softmax": ("axis",),
}


def refuse_quantised(layer: Layer) -> None:
    policy = layer.config.get("dtype")
    kind = policy.get("class_name") if isinstance(policy, dict) else None
    if layer.config.get("quantization_config") is not None or isinstance(kind, str) and kind.startswith("Quantized"):
        settings = policy.get("config") if isinstance(policy, dict) else None
        mode = settings.get("mode") if isinstance(settings, dict) else None
        raise ConversionError(
            f"{layer}: its weights were quantised{f' to {mode}' if isinstance(mode, str) else ''} by model.quantize(); "
            "convert the model as it was saved before that"
        )


def identity(state: Lowering) -> Value:
    return state.one_input()


def identity_at_inference(state: Lowering) -> Value:
    value = state.one_input()
    harmless = any(state.config.get(name) == 0 for name in ("rate", "stddev"))
    if state.training and not harmless:
        raise state.refuse("is called with training=True, itself or by the model around it, and changes values at random then; call it without")
    return value


def rescaling(state: Lowering) -> Value:
    """y = x * scale + offset, scale and offset numbers or one for each channel."""
    value = state.one_input()
    scale = channel_vector(state, value, state.config.get("scale"), "scale")
    offset = channel_vector(state, value, state.config.get("offset", 0.0), "offset")
    return affine(state, value, scale, offset)


def channel_vector(state: Lowering, value: Value, setting: object, name: str) -> np.ndarray:
    """A constant as one double for each channel of value."""
    channels = value.shape[2]
    if channels is None:
        raise state.refuse("the number of its channels depends on the input size")
    if channels > checked.LARGEST_SIZE:
        raise state.refuse(f"{channels} channels are more than this converter takes")
    what = f"{state.what}: {name}"
    while isinstance(setting, (list, tuple)) and len(setting) == 1:
        setting = setting[0]
    if isinstance(setting, (list, tuple)):
        if len(setting) != channels:
            raise ConversionError(f"{what}: {len(setting)} numbers for {channels} channels")
        return np.array([checked.number(item, what) for item in setting], np.float64)
    return np.full(channels, checked.number(setting, what), np.float64)


def affine(state: Lowering, value: Value, scale: np.ndarray, offset: np.ndarray) -> Value:
    return Value(state.emit("affine", [value.node], value.shape, weights=scale, bias=offset), value.rank)


def select_channels(state: Lowering, value: Value, channels: List[int]) -> Value:
    """The channels with these numbers in this order, as a convolution with one 1 in each column."""
    if channels == list(range(value.shape[2])):
        return value
    if len(channels) * value.shape[2] > LARGEST_SELECTION:
        raise state.refuse(f"picks {len(channels)} of {value.shape[2]} channels, which takes too large a matrix")
    weights = np.zeros((1, 1, value.shape[2], len(channels)))
    weights[0, 0, channels, np.arange(len(channels))] = 1.0
    fields = dict(weights=weights, out_channels=len(channels), selected=tuple(channels))
    shape = (*value.shape[:2], len(channels))
    if value.shape[:2] == (1, 1):
        return Value(state.emit("dense", [value.node], shape, **fields), value.rank)
    window = dict(kernel=(1, 1), strides=(1, 1), dilation=(1, 1), groups=1)
    return Value(state.emit("convolution", [value.node], shape, **window, **fields), value.rank)


def stack_channels(state: Lowering, values: List[Value]) -> Value:
    """Maps of one channel side by side; channels picked out of one map are picked again in one go."""
    sources = [value.node.inputs[0] for value in values if value.node.selected is not None and len(value.node.selected) == 1]
    if len(sources) == len(values) and all(source is sources[0] for source in sources):
        return select_channels(state, Value(sources[0], 4), [value.node.selected[0] for value in values])
    return concat(state, [Value(value.node, 4) for value in values], -1)


def normalization(state: Lowering) -> Value:
    """keras.layers.Normalization: (x - mean) / sqrt(variance), by channel; inverted: x * sqrt(variance) + mean."""
    value = state.one_input()
    config = state.config
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, value.rank - 1, None, []):
        raise state.refuse(f"normalises over axis {checked.shown(axis)}; only the channels, or none, are converted")
    if config.get("mean") is not None:
        mean = channel_vector(state, value, config.get("mean"), "mean")
        variance = channel_vector(state, value, config.get("variance"), "variance")
    else:
        # Without an axis there is one mean and one variance for all. The count is an integer, and not needed.
        shape = () if axis in (None, []) else (value.shape[2],)
        mean, variance, _ = state.weights((["mean"], shape), (["variance"], shape), (["count"], None))
    if not (np.asarray(variance) >= 0).all():
        raise state.refuse("its variance is below 0")
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    channels = np.ones(value.shape[2])
    if checked.flag(config.get("invert", False), f"{state.what}: invert"):
        return affine(state, value, deviation * channels, mean * channels)
    return affine(state, value, channels / deviation, -mean / deviation * channels)


def conv2d(state: Lowering) -> Value:
    value = state.one_map()
    config, what = state.config, state.what
    filters = checked.integer(config.get("filters"), f"{what}: filters", 1)
    kernel = checked.pair(config.get("kernel_size"), f"{what}: kernel_size", 1)
    groups = checked.integer(config.get("groups", 1), f"{what}: groups", 1)
    channels = value.shape[2]
    if channels % groups or filters % groups:
        raise state.refuse(f"{channels} channels to {filters} filters in {groups} groups")
    use_bias = checked.flag(config.get("use_bias", True), f"{what}: use_bias")
    variables = [(["kernel"], (*kernel, channels // groups, filters))]
    if use_bias:
        variables.append((["bias"], (filters,)))
    arrays = state.weights(*variables)
    node = convolve(state, value, arrays[0], arrays[1] if use_bias else None, groups)
    return Value(state.layer_activation(node), 4)


def convolve(state: Lowering, value: Value, weights: np.ndarray, bias: "np.ndarray | None", groups: int) -> Node:
    """A convolution with the layer's stride, dilation and padding, as the cheapest kind that does it."""
    height, width, in_group, out = weights.shape
    if (height, width, groups) == (1, 1, 1) and value.shape[:2] == (1, 1):
        # On a single pixel, as in squeeze-and-excitation, it is a dense layer.
        return state.emit("dense", [value.node], (1, 1, out), weights=weights, bias=bias, out_channels=out)
    strides = checked.pair(state.config.get("strides", 1), f"{state.what}: strides", 1)
    dilation = checked.pair(state.config.get("dilation_rate", 1), f"{state.what}: dilation_rate", 1)
    same, padding, size = state.padding(value, (height, width), strides, dilation)
    fields = dict(
        bias=bias, kernel=(height, width), strides=strides, dilation=dilation, same=same, padding=padding, out_channels=out
    )
    if groups > 1 and in_group == 1 and out == groups:
        weights = weights.reshape(height, width, out)
        return state.emit("depthwise", [value.node], (*size, out), weights=weights, **fields)
    return state.emit("convolution", [value.node], (*size, out), weights=weights, groups=groups, **fields)


def depthwise_conv2d(state: Lowering) -> Value:
    value = state.one_map()
    config, what = state.config, state.what
    kernel = checked.pair(config.get("kernel_size"), f"{what}: kernel_size", 1)
    multiplier = checked.integer(config.get("depth_multiplier", 1), f"{what}: depth_multiplier", 1, 4096)
    channels = value.shape[2]
    use_bias = checked.flag(config.get("use_bias", True), f"{what}: use_bias")
    variables = [(["depthwise_kernel", "kernel"], (*kernel, channels, multiplier))]
    if use_bias:
        variables.append((["bias"], (channels * multiplier,)))
    arrays = state.weights(*variables)
    # Output channel c * multiplier + m comes from input channel c: one group a channel.
    weights = arrays[0].reshape(*kernel, 1, channels * multiplier)
    node = convolve(state, value, weights, arrays[1] if use_bias else None, channels)
    return Value(state.layer_activation(node), 4)


def separable_conv2d(state: Lowering) -> Value:
    value = state.one_map()
    config, what = state.config, state.what
    kernel = checked.pair(config.get("kernel_size"), f"{what}: kernel_size", 1)
    multiplier = checked.integer(config.get("depth_multiplier", 1), f"{what}: depth_multiplier", 1, 4096)
    filters = checked.integer(config.get("filters"), f"{what}: filters", 1)
    channels = value.shape[2]
    wide = channels * multiplier
    use_bias = checked.flag(config.get("use_bias", True), f"{what}: use_bias")
    variables = [(["depthwise_kernel"], (*kernel, channels, multiplier)), (["pointwise_kernel"], (1, 1, wide, filters))]
    if use_bias:
        variables.append((["bias"], (filters,)))
    arrays = state.weights(*variables)
    depthwise = convolve(state, value, arrays[0].reshape(*kernel, 1, wide), None, channels)
    bias = arrays[2] if use_bias else None
    if depthwise.shape[:2] == (1, 1):
        node = state.emit("dense", [depthwise], (1, 1, filters), weights=arrays[1], bias=bias, out_channels=filters)
    else:
        node = state.emit(
            "convolution", [depthwise], (*depthwise.shape[:2], filters), weights=arrays[1], bias=bias,
            kernel=(1, 1), strides=(1, 1), dilation=(1, 1), groups=1, out_channels=filters,
        )
    return Value(state.layer_activation(node), 4)


def dense(state: Lowering) -> Value:
    value = state.one_input()
    config, what = state.config, state.what
    units = checked.integer(config.get("units"), f"{what}: units", 1)
    if value.rank == 3:
        raise state.refuse("needs a vector or a map as its input")
    features = value.shape[2]
    if features is None:
        raise state.refuse("its input's length depends on the photo's size; put a global pooling before it")
    use_bias = checked.flag(config.get("use_bias", True), f"{what}: use_bias")
    variables = [(["kernel"], (features, units))]
    if use_bias:
        variables.append((["bias"], (units,)))
    arrays = state.weights(*variables)
    weights = arrays[0].reshape(1, 1, features, units)
    bias = arrays[1] if use_bias else None
    if value.shape[:2] == (1, 1):
        node = state.emit("dense", [value.node], (1, 1, units), weights=weights, bias=bias, out_channels=units)
    else:
        # Keras applies a dense layer to each pixel of a map.
        node = state.emit(
            "convolution", [value.node], (*value.shape[:2], units), weights=weights, bias=bias,
            kernel=(1, 1), strides=(1, 1), dilation=(1, 1), groups=1, out_channels=units,
        )
    return Value(state.layer_activation(node), value.rank)


def batch_normalization(state: Lowering) -> Value:
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, as scale and offset in double."""
    value = state.one_input()
    config, what = state.config, state.what
    # A frozen layer normalises by what it has learned even then.
    if state.training and config.get("trainable") is not False:
        raise state.refuse(
            "is called with training=True, itself or by the model around it, and normalises by the photo at hand then; call it without"
        )
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, value.rank - 1):
        raise state.refuse(f"normalises axis {checked.shown(axis)}; only the channels, the last axis, are converted")
    if config.get("renorm") or config.get("virtual_batch_size"):
        raise state.refuse("renorm and virtual_batch_size are not converted")
    channels = value.shape[2]
    if channels is None or value.rank == 3:
        raise state.refuse("needs a map or a vector of a known number of channels")
    epsilon = checked.number(config.get("epsilon", 1e-3), f"{what}: epsilon")
    scaled = checked.flag(config.get("scale", True), f"{what}: scale")
    centred = checked.flag(config.get("center", True), f"{what}: center")
    names = ["gamma"] * scaled + ["beta"] * centred + ["moving_mean", "moving_variance"]
    arrays = dict(zip(names, state.weights(*[([name], (channels,)) for name in names])))
    variance = arrays["moving_variance"] + epsilon
    if not (variance > 0).all():
        raise state.refuse("its moving variance plus epsilon is not above 0 everywhere")
    scale = arrays.get("gamma", 1.0) / np.sqrt(variance)
    offset = arrays.get("beta", 0.0) - arrays["moving_mean"] * scale
    return affine(state, value, scale, offset)


def pooling(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_map()
        config, what = state.config, state.what
        window = checked.pair(config.get("pool_size"), f"{what}: pool_size", 1)
        strides = config.get("strides")
        strides = window if strides is None else checked.pair(strides, f"{what}: strides", 1)
        same, padding, size = state.padding(value, window, strides, (1, 1))
        node = state.emit(
            "pool", [value.node], (*size, value.shape[2]), kernel=window, strides=strides, same=same, padding=padding,
            variant=1 if kind == "max" else 0,
        )
        return Value(node, 4)

    return handle


def global_pooling(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_map()
        keepdims = checked.flag(state.config.get("keepdims", False), f"{state.what}: keepdims")
        return global_pool(state, value, kind, keepdims)

    return handle


def global_pool(state: Lowering, value: Value, kind: str, keepdims: bool) -> Value:
    node = state.emit("global_pool", [value.node], (1, 1, value.shape[2]), variant=1 if kind == "max" else 0)
    return Value(node, 4 if keepdims else 2)


def flatten(state: Lowering) -> Value:
    value = state.one_input()
    state.check_channels_last()
    return to_vector(state, value)


def to_vector(state: Lowering, value: Value) -> Value:
    """All elements in one row; nothing to do where the map is a single pixel already."""
    height, width, channels = value.shape
    if (height, width) == (1, 1) and not state.keep_layers:
        return Value(value.node, 2)
    known = None not in (height, width, channels)
    count = height * width * channels if known else None
    if count is not None and count > LARGEST_VALUE:
        raise state.refuse(f"a vector of {count} elements is more than the model file can hold")
    return Value(state.emit("reshape", [value.node], (1, 1, count)), 2)


def reshape(state: Lowering) -> Value:
    shape = checked.sequence(state.config.get("target_shape"), f"{state.what}: target_shape")
    return reshape_to(state, state.one_input(), shape)


def reshape_to(state: Lowering, value: Value, shape: List[object]) -> Value:
    """Reshape without the batch: to a vector, or to a map that holds the elements as they lie."""
    height, width, channels = value.shape
    count = None if None in value.shape else height * width * channels
    sizes = [checked.integer(size, f"{state.what}: target shape", -1) for size in shape]
    known = [size for size in sizes if size != -1]
    product = int(np.prod(known, dtype=np.float64))
    if sizes.count(-1) == 1 and count is not None and product and count % product == 0:
        sizes[sizes.index(-1)] = count // product
    if len(sizes) == 1:
        return to_vector(state, value)
    if len(sizes) == 3 and tuple(sizes) == (1, 1, count):
        return Value(to_vector(state, value).node, 4)
    if len(sizes) == 3 and tuple(sizes) == value.shape:
        return Value(value.node, 4)
    raise state.refuse(f"reshapes to {checked.shown(shape)}; only to a vector is converted")


def zero_padding2d(state: Lowering) -> Value:
    value = state.one_map()
    what = f"{state.what}: padding"
    setting = state.config.get("padding", 1)
    if isinstance(setting, (list, tuple)):
        (top, bottom), (left, right) = (
            checked.pair(side, what, 0) for side in (setting if len(setting) == 2 else ["not two sides"] * 2)
        )
    else:
        top = bottom = left = right = checked.integer(setting, what, 0)
    return pad(state, value, (top, left, bottom, right))


def pad(state: Lowering, value: Value, padding: Tuple[int, int, int, int]) -> Value:
    top, left, bottom, right = padding
    if max(padding) > LARGEST_PADDING:
        raise state.refuse("its padding is too large")
    height, width, channels = value.shape
    size = (None if height is None else height + top + bottom, None if width is None else width + left + right)
    return Value(state.emit("pad", [value.node], (*size, channels), padding=padding), 4)


def concatenate(state: Lowering) -> Value:
    values = state.tensors()
    axis = state.config.get("axis", -1)
    return concat(state, values, axis)


def concat(state: Lowering, values: List[Value], axis: object) -> Value:
    if not values:
        raise state.refuse("has no inputs")
    rank = values[0].rank
    if any(value.rank != rank for value in values) or rank == 3 or axis not in (-1, rank - 1):
        raise state.refuse(f"joins along axis {checked.shown(axis)}; only along the channels, the last axis, is converted")
    if len(values) > LARGEST_CONCAT:
        raise state.refuse(f"joins {len(values)} tensors; at most {LARGEST_CONCAT} are converted")
    if len(values) == 1:
        return values[0]
    size = []
    for side in (0, 1):
        known = {value.shape[side] for value in values} - {None}
        if len(known) > 1:
            raise state.refuse(f"joins maps of different sizes {sorted(known)}")
        size.append(values[0].shape[side] if None in [v.shape[side] for v in values] else known.pop())
    counts = [value.shape[2] for value in values]
    channels = None if None in counts else sum(counts)
    return Value(state.emit("concat", [value.node for value in values], (size[0], size[1], channels)), rank)


def merge(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        values = state.tensors()
        if len(values) < 2:
            raise state.refuse("needs at least two inputs")
        result = values[0]
        for value in values[1:]:
            # Merge layers line a vector up with the channels of a map.
            result = binary(state, kind, result, value)
        return result

    return handle


def binary(state: Lowering, kind: str, left: Value, right: Value) -> Value:
    """left + right or left * right, the smaller one broadcast; it becomes the second operand."""
    rank = max(left.rank, right.rank)
    if smaller(left.shape, right.shape):
        left, right = right, left
    for n, m in zip(left.shape, right.shape):
        if n is not None and m is not None and n != m and m != 1:
            raise state.refuse(f"its inputs {left.shape} and {right.shape} do not fit together")
    full = right.shape == left.shape
    single_pixel = right.shape[:2] == (1, 1)
    single_channel = right.shape[2] == 1 and all(
        n == m or None in (n, m) for n, m in zip(left.shape[:2], right.shape[:2])
    )
    same_unknown = all(n == m or None in (n, m) for n, m in zip(left.shape, right.shape))
    if not (full or single_pixel or single_channel or same_unknown):
        raise state.refuse(f"broadcasts {right.shape} to {left.shape}; only a vector of channels or a map of one channel is converted")
    return Value(state.emit(kind, [left.node, right.node], left.shape), rank)


def smaller(shape: Tuple, other: Tuple) -> bool:
    """True where shape is the one to be broadcast."""
    if shape[:2] == (1, 1) and other[:2] != (1, 1):
        return True
    return shape[2] == 1 and other[2] != 1 and other[:2] != (1, 1)


def subtract(state: Lowering) -> Value:
    values = state.tensors()
    if len(values) != 2:
        raise state.refuse("needs two inputs")
    return difference(state, values[0], values[1])


def difference(state: Lowering, left: Value, right: Value) -> Value:
    """left - right as left + (-1) right, which rounds alike."""
    ones = channel_vector(state, right, 1.0, "channels")
    return binary(state, "add", left, affine(state, right, -ones, np.zeros_like(ones)))


def activation_layer(state: Lowering) -> Value:
    value = state.one_input()
    layer = state.call.layer
    function = activations.from_layer(layer.class_name, layer.config, state.file.major, state.what)
    return Value(state.activate(value.node, function, False), value.rank)


HANDLERS: Dict[str, Callable[[Lowering], Value]] = {
    "Rescaling": rescaling,
    "Normalization": normalization,
    "Conv2D": conv2d,
    "DepthwiseConv2D": depthwise_conv2d,
    "SeparableConv2D": separable_conv2d,
    "Dense": dense,
    "BatchNormalization": batch_normalization,
    "SyncBatchNormalization": batch_normalization,
    "AveragePooling2D": pooling("average"),
    "MaxPooling2D": pooling("max"),
    "GlobalAveragePooling2D": global_pooling("average"),
    "GlobalMaxPooling2D": global_pooling("max"),
    "Flatten": flatten,
    "Reshape": reshape,
    "ZeroPadding2D": zero_padding2d,
    "Concatenate": concatenate,
    "Add": merge("add"),
    "Multiply": merge("multiply"),
    "Subtract": subtract,
    "Activation": activation_layer,
    "ReLU": activation_layer,
    "LeakyReLU": activation_layer,
    "ELU": activation_layer,
    "Softmax": activation_layer,
}
