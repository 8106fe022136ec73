# SPDX-License-Identifier: Apache-2.0
"""Keras layers, one handler a class: what each becomes in the model file."""

from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from ... import checked
from ...builder.builder import Value, Window
from ...errors import ConversionError
from . import activations
from .lowering import Lowering
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
    scale = state.channel_vector(value, state.config.get("scale"), "scale")
    offset = state.channel_vector(value, state.config.get("offset", 0.0), "offset")
    return state.build.affine(value, scale, offset)


def normalization(state: Lowering) -> Value:
    """keras.layers.Normalization: (x - mean) / sqrt(variance), by channel; inverted: x * sqrt(variance) + mean."""
    value = state.one_input()
    config = state.config
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, value.rank - 1, None, []):
        raise state.refuse(f"normalises over axis {checked.shown(axis)}; only the channels, or none, are converted")
    if config.get("mean") is not None:
        mean = state.channel_vector(value, config.get("mean"), "mean")
        variance = state.channel_vector(value, config.get("variance"), "variance")
    else:
        # Without an axis there is one mean and one variance for all. The count is an integer, and not needed.
        shape = () if axis in (None, []) else (value.shape[2],)
        mean, variance, _ = state.weights((["mean"], shape), (["variance"], shape), (["count"], None))
    if not (np.asarray(variance) >= 0).all():
        raise state.refuse("its variance is below 0")
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    channels = np.ones(value.shape[2])
    if checked.flag(config.get("invert", False), f"{state.what}: invert"):
        return state.build.affine(value, deviation * channels, mean * channels)
    # Before adapt() looks at any picture the layer stores 0 and 1.
    measured = config.get("mean") is None and not (np.all(np.asarray(mean) == 0) and np.all(np.asarray(variance) == 1))
    return state.build.affine(value, channels / deviation, -mean / deviation * channels, measured)


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
    return state.activate(state.build.convolution(value, arrays[0], arrays[1] if use_bias else None, groups, state.window()))


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
    return state.activate(state.build.convolution(value, weights, arrays[1] if use_bias else None, channels, state.window()))


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
    depthwise = state.build.convolution(value, arrays[0].reshape(*kernel, 1, wide), None, channels, state.window())
    return state.activate(state.build.pointwise(depthwise, arrays[1], arrays[2] if use_bias else None))


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
    # Keras applies a dense layer to each pixel of a map.
    weights = arrays[0].reshape(1, 1, features, units)
    return state.activate(state.build.pointwise(value, weights, arrays[1] if use_bias else None))


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
    return state.build.affine(value, scale, offset)


def pooling(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_map()
        config, what = state.config, state.what
        kernel = checked.pair(config.get("pool_size"), f"{what}: pool_size", 1)
        strides = config.get("strides")
        strides = kernel if strides is None else checked.pair(strides, f"{what}: strides", 1)
        return state.build.pool(kind, value, kernel, Window(strides, padding=state.padding()))

    return handle


def global_pooling(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        value = state.one_map()
        keep_dimensions = checked.flag(state.config.get("keepdims", False), f"{state.what}: keepdims")
        return state.build.global_pool(kind, value, keep_dimensions)

    return handle


def flatten(state: Lowering) -> Value:
    value = state.one_input()
    state.check_channels_last()
    return state.build.to_vector(value)


def reshape(state: Lowering) -> Value:
    shape = checked.sequence(state.config.get("target_shape"), f"{state.what}: target_shape")
    return state.reshape(state.one_input(), shape)


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
    return state.build.pad(value, (top, left, bottom, right))


def concatenate(state: Lowering) -> Value:
    return state.concat(state.tensors(), state.config.get("axis", -1))


def merge(kind: str) -> Callable[[Lowering], Value]:
    def handle(state: Lowering) -> Value:
        values = state.tensors()
        if len(values) < 2:
            raise state.refuse("needs at least two inputs")
        result = values[0]
        for value in values[1:]:
            # Merge layers line a vector up with the channels of a map.
            result = state.build.binary(kind, result, value)
        return result

    return handle


def subtract(state: Lowering) -> Value:
    values = state.tensors()
    if len(values) != 2:
        raise state.refuse("needs two inputs")
    return state.build.difference(values[0], values[1])


def activation_layer(state: Lowering) -> Value:
    value = state.one_input()
    layer = state.call.layer
    function = activations.from_layer(layer.class_name, layer.config, state.file.major, state.what)
    return state.build.activation(value, function)


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
