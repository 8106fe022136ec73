# SPDX-License-Identifier: Apache-2.0
"""Continues from a detector: its .fovea file back into a trainable network.

The file holds convolutions with the normalisation folded in. Here each is split again, with the statistics of the
pictures at hand, so that the network computes what the detector computes and can be trained on. A detector of two classes begins a network of
five grades: what it calls ill is shared among the four of them.
"""
import pathlib

import numpy as np
import tensorflow as tf
from fovea_tools.file import fovea_file, pack

from . import network, warm_start

CONVOLUTION, DEPTHWISE, DENSE = (fovea_file.NODE_KINDS.index(kind) for kind in ("convolution", "depthwise", "dense"))
TEACHER_PICTURES = 16  # it is not trained on: its normalisations need statistics that divide by no zero, and no more
WITH_WEIGHTS = (tf.keras.layers.Conv2D, tf.keras.layers.DepthwiseConv2D, tf.keras.layers.Dense)


class DetectorError(Exception):
    pass


def _kernel(node, tensor):
    """In Keras's shape: (h, w, in, out), (h, w, channels, 1) or (in, out)."""
    if node.kind == DEPTHWISE:
        return pack.unpack_depthwise(pack.stored_values(tensor), tensor.dimensions)[..., None]
    kernel = pack.unpack_conv_panels(pack.stored_values(tensor), tensor.dimensions, max(node.groups, 1))
    return kernel[0, 0] if node.kind == DENSE else kernel


def _read(path):
    try:
        return fovea_file.read_fovea(pathlib.Path(path).read_bytes())
    except fovea_file.FormatError as error:
        raise DetectorError(f"{path}: {error}") from error


def _weights(path):
    """[(kernel, bias)] of the file's layers in running order, a layer that runs twice once."""
    model = _read(path)
    seen, found = set(), []
    for node in model.nodes:
        if node.kind not in (CONVOLUTION, DEPTHWISE, DENSE) or node.weights in seen:
            continue
        seen.add(node.weights)
        tensor = model.tensors[node.weights]
        if tensor.element_type != fovea_file.F32:
            raise DetectorError(f"{path}: the weights are rounded; only an fp32 detector can be trained on")
        kernel = _kernel(node, tensor)
        channels = kernel.shape[2 if node.kind == DEPTHWISE else -1]
        bias = np.zeros(channels, np.float32)
        if node.bias != fovea_file.NONE:
            bias = pack.unpack_vector(pack.stored_values(model.tensors[node.bias]), channels)
        found.append((kernel, bias))
    return found


def _as_grades(kernel, bias, classes):
    """Of two classes, with and without signs, as many as there are grades: the ill ones share the answer, which stays."""
    column = np.array([0] + [1] * (classes - 1))
    return kernel[:, column], bias[column] - np.where(column, np.log(classes - 1), 0).astype(np.float32)


def apply(model, detector, pictures, report=None):
    """Fills `model` (network.build of the same architecture) with the detector's weights. pictures: uint8 (N, S, S, 3), a
    hundred or more preprocessed photos, from which the normalisation's statistics come."""
    weights = iter(_weights(detector))
    body = network.backbone(model)
    filler = warm_start.Filler(body, pictures, seed=0, report=report)
    normalised = {layer.name.removesuffix("/BatchNorm") for layer in body.layers if layer.name.endswith("/BatchNorm")}
    for layer in network.leaf_layers(model):
        if not isinstance(layer, WITH_WEIGHTS):
            continue
        kernel, bias = next(weights, (np.zeros(0), None))
        wanted = tuple(layer.weights[0].shape)
        if layer is model.layers[-1] and kernel.ndim == 2 and kernel.shape[-1] == 2 < wanted[-1]:
            kernel, bias = _as_grades(kernel, bias, wanted[-1])
        if kernel.shape not in (wanted, wanted[2:]) or kernel.size != np.prod(wanted):
            raise DetectorError(f"{detector}: not of this network: layer {layer.name} has a kernel {wanted}, "
                                f"the file {kernel.shape if kernel.size else 'none'}")
        kernel = kernel.reshape(wanted)  # a 1 x 1 convolution of a single pixel is a dense layer in the file
        if layer.name in normalised:
            filler.fill(layer.name, kernel, bias)
        else:
            layer.set_weights([kernel, bias])
    if next(weights, None) is not None:
        raise DetectorError(f"{detector}: not of this network: the file has more layers")


def write(path, settings, detector, data, report=None):
    """Stores the weights that a training of these settings starts from. data: training arrays with "chance"."""
    warm_start.store(path, settings, data, lambda model, pictures: apply(model, detector, pictures, report))


def teacher(settings, detector, data, strategy=None, report=None):
    """network.teacher with the weights of a detector, a Large with the classes of these settings. data: as for write; what the network
    answers does not depend on it."""
    classes = len(settings["labels"])
    told = len(_read(detector).labels)
    if told != classes:
        raise DetectorError(f"{detector}: a teacher of {told} classes, where the network that learns has {classes}")
    model = network.build("large", settings["network"]["size"], classes)
    apply(model, detector, warm_start.pictures(settings, data)[:TEACHER_PICTURES], report)
    return network.teacher(model.get_weights(), classes, strategy)
