# SPDX-License-Identifier: Apache-2.0
"""What happens to the pixels, 0 to 255, before the network's first layer: named, applied to the graph, and looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

import numpy as np

from ..builder.graph import Graph, Node, selection_matrix
from ..errors import UsageError


@dataclass(frozen=True)
class InputScaling:
    """y = (x - mean) * scale by channel, after the channels were reversed. One number for all channels, or one for each."""

    name: str
    mean: Tuple[float, ...] = (0.0,)
    scale: Tuple[float, ...] = (1.0,)
    reverse: bool = False


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)

# The modes of keras.applications.imagenet_utils.preprocess_input; none: the network takes the pixels as they are.
MODES: Dict[str, InputScaling] = {
    "none": InputScaling("none"),
    "tf": InputScaling("tf", (127.5,), (1 / 127.5,)),
    "torch": InputScaling(
        "torch", tuple(255 * mean for mean in IMAGENET_MEAN), tuple(1 / (255 * deviation) for deviation in IMAGENET_DEVIATION)
    ),
    "caffe": InputScaling("caffe", (103.939, 116.779, 123.68), reverse=True),
}

# The mode that keras.applications uses for each family of networks.
FAMILIES = {
    "vgg16": "caffe", "vgg19": "caffe", "resnet": "caffe", "resnet50": "caffe", "resnet_v2": "tf", "densenet": "torch",
    "inception_v3": "tf", "inception_resnet_v2": "tf", "xception": "tf", "mobilenet": "tf", "mobilenet_v2": "tf", "nasnet": "tf",
    "mobilenet_v3": "none", "efficientnet": "none", "efficientnet_v2": "none", "convnext": "none",
}


def named_scaling(name: str) -> InputScaling:
    return MODES[FAMILIES.get(name, name)]


def apply_scaling(graph: Graph, scaling: InputScaling) -> None:
    """Puts the scaling between the input and the layers that read it."""
    channels = graph.input.shape[2]
    for option, numbers in (("--mean", scaling.mean), ("--scale", scaling.scale)):
        if len(numbers) not in (1, channels):
            given = f"{option}: {len(numbers)} numbers" if scaling.name == "given" else f"--preprocess-input {scaling.name}: 3 channels"
            raise UsageError(f"{given}, the network takes {channels} channels")
    made: List[Node] = []
    value = graph.input
    if scaling.reverse:
        order = tuple(range(channels))[::-1]
        value = select(value, order)
        made.append(value)
    mean, scale = (np.broadcast_to(np.asarray(numbers, np.float64), (channels,)) for numbers in (scaling.mean, scaling.scale))
    if (mean != 0).any() or (scale != 1).any():
        value = Node("affine", [value], graph.input.shape, "the input", weights=scale.copy(), bias=-mean * scale)
        made.append(value)
    if not made:
        return
    for node in graph.nodes:
        node.inputs = [value if operand is graph.input else operand for operand in node.inputs]
    graph.nodes[1:1] = made


def select(value: Node, order: Tuple[int, ...]) -> Node:
    """A 1 x 1 convolution that only picks channels."""
    return Node(
        "convolution", [value], (*value.shape[:2], len(order)), "the input", weights=selection_matrix(value.shape[2], order),
        kernel=(1, 1), strides=(1, 1), dilation=(1, 1), groups=1, out_channels=len(order), selected=order,
    )


def check_scaling(graph: Graph, named: bool) -> List[str]:
    """Warnings about what the network makes of 0 to 255. Refuses where nothing rescales and nobody has said that this is meant."""
    channels = graph.input.shape[2]
    scale, offset, order = np.ones(channels), np.zeros(channels), list(range(channels))
    readers = graph.consumers()
    node: Node = graph.input
    layers: List[str] = []
    while len(readers[id(node)]) == 1:
        following = readers[id(node)][0]
        if following.selected is not None:
            scale, offset, order = (np.asarray(item)[list(following.selected)] for item in (scale, offset, order))
        elif following.kind == "affine":
            offset = offset * following.weights + following.bias
            scale = scale * following.weights
            layers.append(following.layer)
        else:
            break
        node = following
    if not named and not rescaled_everywhere(graph, readers):
        raise UsageError(
            "nothing in the network rescales the pixels 0 to 255: name what was done to them in training with --preprocess-input "
            "caffe, tf or torch (or a family: vgg16, resnet50, densenet, inception_v3, ...), or with --mean and --scale; none if the "
            "network was trained on 0 to 255"
        )
    if not layers or is_caffe(scale, offset):
        return []
    low, high = np.minimum(offset, offset + 255 * scale), np.maximum(offset, offset + 255 * scale)
    mapped = f"pixels 0 to 255 become {low.min():.6g} to {high.max():.6g} by {', '.join(layers)}"
    if (high - low).min() < 0.5:
        return [f"{mapped}: a very narrow range (rescaled twice?); converted as it is"]
    if low.min() < -4 or high.max() > 4:
        return [f"{mapped}: an unusually wide range (a rescaling left out?); converted as it is"]
    return []


def rescaled_everywhere(graph: Graph, readers: Dict[int, List[Node]]) -> bool:
    """True where no layer but a scaling or normalising one sees the pixels as they come."""
    seen = {id(graph.input)}
    stack = [graph.input]
    while stack:
        for following in readers[id(stack.pop())]:
            if following.kind == "affine" or id(following) in seen:
                continue
            if following.selected is None and following.kind != "pad":
                return False
            seen.add(id(following))
            stack.append(following)
    return True


def is_caffe(scale: np.ndarray, offset: np.ndarray) -> bool:
    """The means of ImageNet taken off in steps of grey, in either order of the channels: wide, and meant so."""
    means = np.sort(MODES["caffe"].mean)
    return offset.size == 3 and bool(np.allclose(scale, 1) and np.allclose(np.sort(-offset), means, atol=0.01))
