# SPDX-License-Identifier: Apache-2.0
"""What happens to the pixels, 0 to 255, before the network's first layer: named, applied to the graph, and looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

NAME_IT = ("name what was done to them in training with --preprocess-input caffe, tf or torch (or a family: vgg16, resnet50, densenet, "
           "inception_v3, ...), or with --mean and --scale")
NARROW = 0.5            # of a range: not even an eighth of -2 to 2
USUAL = 4.0             # ImageNet's standardised pixels end at -2.1 and 2.6
OFF_ZERO = 1.0          # how far from 0 a range may begin
# Standardised pixels, (x - mean) / deviation: 0 lies among them. By channel the deviation may be as small as 10 of 255 (the blue of retinas is dark
# and varies little), of all channels alike it is larger.
CENTRED = 0.3
BY_CHANNEL, ALIKE = (-10.0, 26.0), (-5.0, 8.0)
WIDTH_OF_UNITS = 254.9  # of the range that pixels 0 to 255 take by statistics of pixels within -1 to 1
MOST_NAMED = 8          # layers in a message


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


@dataclass(frozen=True)
class Arriving:
    """What becomes of the pixels on one way from the input: x * scale + offset by channel, after the layers named. rescaled: on the way
    the range was once a usual one, so that the pixels were 0 to 255 before. measured: statistics of the training pictures standardised them last."""

    scale: np.ndarray
    offset: np.ndarray
    layers: Tuple[str, ...] = ()
    rescaled: bool = False
    measured: bool = False

    def after(self, node: Node) -> "Arriving":
        if node.selected is not None:
            picked = list(node.selected)
            return replace(self, scale=self.scale[picked], offset=self.offset[picked])
        if node.kind != "affine":
            return self
        scale, offset = self.scale * node.weights, self.offset * node.weights + node.bias
        usual = not too_narrow(*bounds(scale, offset)) and not too_wide(*bounds(scale, offset))
        layers = (*self.layers, node.layer) if len(self.layers) < MOST_NAMED else self.layers
        return Arriving(scale, offset, layers, self.rescaled or usual, node.measured)


def check_scaling(graph: Graph, named: bool) -> List[str]:
    """Warnings about what the network makes of 0 to 255. Refuses where nothing rescales, or what comes out is nothing that networks are
    trained on, and nobody has said that this is meant."""
    readers = graph.consumers()
    if not named and not rescaled_everywhere(graph, readers):
        raise UsageError(f"nothing in the network rescales the pixels 0 to 255: {NAME_IT}; none if the network was trained on 0 to 255")
    with np.errstate(over="ignore", invalid="ignore"):
        told = [unusual(arriving, named) for arriving in arriving_pixels(graph, readers)]
    return list(dict.fromkeys(filter(None, told)))


def arriving_pixels(graph: Graph, readers: Dict[int, List[Node]]) -> List[Arriving]:
    """The pixels as each first layer that computes anything gets them; a layer with one input is reached on one way alone."""
    channels = graph.input.shape[2]
    found: List[Arriving] = []
    stack = [(graph.input, Arriving(np.ones(channels), np.zeros(channels)))]
    while stack:
        node, arriving = stack.pop()
        following = readers[id(node)]
        onward = [item for item in following if item is not node and only_rescales(item)]
        stack += [(item, arriving.after(item)) for item in reversed(onward)]
        if len(onward) < len(following) and arriving.layers:
            found.append(arriving)
    return found


def only_rescales(node: Node) -> bool:
    return node.kind in ("affine", "pad") or node.selected is not None


def bounds(scale: np.ndarray, offset: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """What 0 to 255 become, by channel."""
    return np.minimum(offset, offset + 255 * scale), np.maximum(offset, offset + 255 * scale)


def too_narrow(low: np.ndarray, high: np.ndarray) -> bool:
    return bool((high - low).max() < NARROW)


def too_wide(low: np.ndarray, high: np.ndarray) -> bool:
    """Beyond what a network sees whose pixels were rescaled or standardised."""
    usual = (low >= -USUAL) & (high <= USUAL) & (low <= OFF_ZERO) & (high >= -OFF_ZERO)
    lowest, highest = ALIKE if np.ptp(low) + np.ptp(high) < NARROW else BY_CHANNEL
    standardised = (low >= lowest) & (low <= -CENTRED) & (high >= CENTRED) & (high <= highest)
    return not (usual | standardised).all()


def of_other_pixels(low: np.ndarray, high: np.ndarray) -> bool:
    """Whether the statistics that standardise the pixels were measured on others than 0 to 255: those within -1 to 1 deviate by 1 at most from
    their mean, which leaves 255 between 0 and 255, and a mean that no pixel has leaves them all on one side of it."""
    return bool((high - low >= WIDTH_OF_UNITS).all() or (low > 0).any() or (high < 0).any())


def unusual(arriving: Arriving, named: bool) -> str:
    """What to warn of, or nothing; refused where only the user can say that it is meant."""
    if is_caffe(arriving.scale, arriving.offset):
        return ""
    low, high = bounds(arriving.scale, arriving.offset)
    mapped = f"pixels 0 to 255 become {low.min():.6g} to {high.max():.6g} by {', '.join(arriving.layers)}"
    narrow = too_narrow(low, high) and not arriving.rescaled
    wide = too_wide(low, high) and not too_narrow(low, high)
    meant = arriving.measured and not of_other_pixels(low, high)
    if not named and (narrow or (wide and not meant)):
        cause = "a very narrow range (not 0 to 255 in training?)" if narrow else "an unusual range (a rescaling left out?)"
        raise UsageError(f"{mapped}, {cause}: {NAME_IT}; none if the network was trained on just that")
    if (high - low).min() < NARROW:
        return f"{mapped}: a very narrow range (rescaled twice?); converted as it is"
    if low.min() < -USUAL or high.max() > USUAL:
        return f"{mapped}: an unusually wide range (a rescaling left out?); converted as it is"
    return f"{mapped}: an unusual range; converted as it is" if too_wide(low, high) else ""


def rescaled_everywhere(graph: Graph, readers: Dict[int, List[Node]]) -> bool:
    """True where no layer but a scaling or normalising one sees the pixels as they come."""
    seen = {id(graph.input)}
    stack = [graph.input]
    while stack:
        for following in readers[id(stack.pop())]:
            if following.kind == "affine" or id(following) in seen:
                continue
            if not only_rescales(following):
                return False
            seen.add(id(following))
            stack.append(following)
    return True


def is_caffe(scale: np.ndarray, offset: np.ndarray) -> bool:
    """The means of ImageNet taken off in steps of grey, in either order of the channels: wide, and meant so."""
    means = np.sort(MODES["caffe"].mean)
    return offset.size == 3 and bool(np.allclose(scale, 1) and np.allclose(np.sort(-offset), means, atol=0.01))
