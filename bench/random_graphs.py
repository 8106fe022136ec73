# SPDX-License-Identifier: Apache-2.0
"""Random networks as .fovea files: the same seed gives the same bytes.

Blocks as real networks have them (inverted residuals with squeeze and excite, convolutions of every shape, pools, joined branches, a head
with CBAM) of random shapes: large enough that a plan streams parts of them in bands, small enough to run in milliseconds.
"""
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "converter"))
from fovea_tools.builder.graph import Graph, Node  # noqa: E402
from fovea_tools.file import fovea_file, pack  # noqa: E402

MAX, MEAN = 1, 0  # variants of global pools and channel reductions
ACTIVATIONS = fovea_file.FILE_ACTIVATIONS
LARGEST_CHANNELS = 160


class Maker:
    """Adds nodes to a graph; every method returns the node whose value is the last one."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        height, width = self.whole(24, 129, size=2)
        if self.chance(0.6):
            width = height
        self.graph = Graph((int(height), int(width), 3))

    def whole(self, low, high, size=None):
        drawn = self.random.integers(low, high, size=size)
        return drawn if size else int(drawn)

    def chance(self, part):
        return self.random.random() < part

    def one_of(self, *choices):
        return choices[self.whole(0, len(choices))]

    def activation(self):
        """As they are in networks: mostly the cheap ones."""
        name = self.one_of("none", "relu", "relu6", "hard_swish", *ACTIVATIONS) if self.chance(0.5) else self.one_of("relu", "hard_swish")
        return {"activation": name, "parameter": 0.25 if name in ("leaky_relu", "elu") else 0.0}

    def add(self, kind, inputs, shape, **fields):
        name = f"n{len(self.graph.nodes)}_{kind}"
        node = Node(kind, inputs, shape, name, names=[name], **fields)
        self.graph.nodes.append(node)
        return node

    def values(self, *shape, scale):
        return self.random.normal(0, scale, shape)

    def bias(self, count):
        return self.values(count, scale=0.2) if self.chance(0.8) else None

    def window(self, shape, kernel, stride, dilation=(1, 1), pads=True):
        """The fields of a window that fits and what it makes of height and width. pads: padding may be more than "same"."""
        fields = {"kernel": kernel, "strides": stride, "dilation": dilation, "same": True}
        sides = [-(-side // step) for side, step in zip(shape, stride)]
        if pads and self.chance(0.3):
            top, left, bottom, right = map(int, self.whole(0, 3, size=4))
            extents = [(length - 1) * max(apart, 1) + 1 for length, apart in zip(kernel, dilation)]
            padded = [shape[0] + top + bottom, shape[1] + left + right]
            if all(side >= extent for side, extent in zip(padded, extents)):
                fields.update(same=False, padding=(top, left, bottom, right))
                sides = [(side - extent) // step + 1 for side, extent, step in zip(padded, extents, stride)]
        return fields, sides

    def convolution(self, x, out, kernel=(1, 1), stride=(1, 1), dilation=(1, 1), groups=1, pads=True, **activation):
        height, width, channels = x.shape
        fields, sides = self.window((height, width), kernel, stride, dilation, pads and kernel != (1, 1))
        fan_in = kernel[0] * kernel[1] * channels // groups
        return self.add("convolution", [x], (*sides, out), weights=self.values(*kernel, channels // groups, out, scale=(1.5 / fan_in) ** 0.5),
                        bias=self.bias(out), groups=groups, out_channels=out, **fields, **(activation or self.activation()))

    def depthwise(self, x, kernel, stride=(1, 1), dilation=(1, 1)):
        height, width, channels = x.shape
        fields, sides = self.window((height, width), kernel, stride, dilation)
        return self.add("depthwise", [x], (*sides, channels), weights=self.values(*kernel, channels, scale=(1.5 / (kernel[0] * kernel[1])) ** 0.5),
                        bias=self.bias(channels), out_channels=channels, **fields, **self.activation())

    def pool(self, x, kernel, stride):
        height, width, channels = x.shape
        fields, sides = self.window((height, width), kernel, stride, (0, 0), pads=False)
        return self.add("pool", [x], (*sides, channels), variant=self.whole(0, 3), **fields)

    def dense(self, x, out, weights=None, **activation):
        inputs = x.shape[2]
        weights = self.values(1, 1, inputs, out, scale=inputs ** -0.5) if weights is None else weights
        return self.add("dense", [x], (1, 1, out), weights=weights, bias=self.bias(out), out_channels=out, **activation)

    def global_pool(self, x, variant):
        return self.add("global_pool", [x], (1, 1, x.shape[2]), variant=variant)

    def squeeze_and_excite(self, x):
        channels = x.shape[2]
        squeezed = self.global_pool(x, MEAN)
        few = max(channels // 4, 1)
        if self.chance(0.5):
            gate = self.dense(self.dense(squeezed, few, activation="relu"), channels, activation=self.one_of("hard_sigmoid", "sigmoid"))
        else:
            gate = self.convolution(self.convolution(squeezed, few, activation="relu"), channels, activation="hard_sigmoid")
        return self.add("multiply", [x, gate], x.shape)

    def inverted_residual(self, x):
        height, width, channels = x.shape
        y = x
        if self.chance(0.8):
            y = self.convolution(x, min(channels * self.whole(2, 5), LARGEST_CHANNELS))
        side = self.one_of(3, 3, 5)
        step = self.one_of(1, 1, 2) if min(height, width) > 6 else 1
        apart = self.one_of(1, 1, 1, 2) if step == 1 else 1
        y = self.depthwise(y, (side, side) if self.chance(0.85) else (side, self.whole(1, 6)), (step, step), (apart, apart))
        if self.chance(0.5):
            y = self.squeeze_and_excite(y)
        keeps = y.shape[:2] == x.shape[:2] and self.chance(0.8)
        y = self.convolution(y, channels if keeps else self.whole(8, 49), activation="none")
        return self.add("add", [y, x] if self.chance(0.7) else [x, y], x.shape, **self.after()) if keeps else y

    def after(self):
        return self.activation() if self.chance(0.3) else {}

    def general_convolution(self, x):
        height, width, channels = x.shape
        kernel = tuple(map(int, self.whole(1, 6, size=2))) if self.chance(0.4) else self.one_of((1, 1), (3, 3), (5, 5), (1, 7), (7, 1))
        stride = (self.one_of(1, 2), self.one_of(1, 2)) if min(height, width) > 8 else (1, 1)
        dilation = (self.one_of(1, 2), self.one_of(1, 2)) if stride == (1, 1) and self.chance(0.3) else (1, 1)
        groups = self.one_of(1, 1, *(count for count in (2, 3, 4) if channels % count == 0))
        return self.convolution(x, groups * self.whole(1, 48 // groups + 1), kernel, stride, dilation, groups)

    def downsampled(self, x):
        side = self.one_of(2, 3)
        return self.pool(x, (side, side), (2, 2) if min(x.shape[:2]) > 6 else (1, 1))

    def joined(self, x):
        """Branches of one size, joined; some of them joined themselves, as in dense blocks."""
        parts = [x] if self.chance(0.5) else []
        while len(parts) < self.whole(2, 5):
            branch = self.one_of(
                lambda: self.convolution(x, self.whole(4, 33)),
                lambda: self.convolution(self.convolution(x, self.whole(4, 25)), self.whole(4, 33), (3, 3), pads=False),
                lambda: self.depthwise_same(x),
                lambda: self.convolution(self.pool(x, (3, 3), (1, 1)), self.whole(4, 17)),
                lambda: self.pool(x, (3, 3), (1, 1)))
            parts.append(branch())
            if len(parts) == 2 and self.chance(0.3):
                parts = [self.concat(parts)]
        return self.concat(parts)

    def depthwise_same(self, x):
        height, width, channels = x.shape
        fields, sides = self.window((height, width), (3, 3), (1, 1), pads=False)
        return self.add("depthwise", [x], (*sides, channels), weights=self.values(3, 3, channels, scale=0.4), bias=self.bias(channels),
                        out_channels=channels, **fields, **self.activation())

    def concat(self, parts):
        return self.add("concat", parts, (*parts[0].shape[:2], sum(part.shape[2] for part in parts)))

    def elementwise(self, x):
        """What the converter folds where it can, left as a node of its own."""
        height, width, channels = x.shape
        kind = self.one_of("affine", "activation", "pad", "binary")
        if kind == "affine":
            return self.add("affine", [x], x.shape, weights=self.random.uniform(0.5, 1.5, channels), bias=self.values(channels, scale=0.2), **self.after())
        if kind == "activation":
            return self.add("activation", [x], x.shape, **self.activation())
        if kind == "pad":
            top, left, bottom, right = map(int, self.whole(0, 3, size=4))
            return self.add("pad", [x], (height + top + bottom, width + left + right, channels), padding=(top, left, bottom, right))
        other = self.one_of(
            lambda: self.global_pool(x, self.one_of(MEAN, MAX)),
            lambda: self.add("channel_reduce", [x], (height, width, 1), variant=self.one_of(MEAN, MAX)),
            lambda: self.depthwise_same(x))()
        return self.add(self.one_of("add", "multiply"), [x, other], x.shape, **self.after())

    def cbam(self, x):
        """Channels weighed by a network of two layers that mean and maximum share, then places by a convolution of both."""
        height, width, channels = x.shape
        few = max(channels // 8, 1)
        first, second = (self.values(1, 1, *shape, scale=shape[0] ** -0.5) for shape in ((channels, few), (few, channels)))
        sides = [self.dense(self.dense(self.global_pool(x, variant), few, first, activation="relu"), channels, second) for variant in (MEAN, MAX)]
        gate = self.add("add", sides, (1, 1, channels), activation="sigmoid")
        x = self.add("multiply", [x, gate], x.shape)
        reduced = [self.add("channel_reduce", [x], (height, width, 1), variant=variant) for variant in (MEAN, MAX)]
        places = self.convolution(self.concat(reduced), 1, (7, 7), pads=False, activation="sigmoid")
        return self.add("multiply", [x, places], x.shape)

    def make(self):
        """The whole network's graph."""
        x = self.graph.input
        rescaling = (np.full(3, 1 / 127.5), np.full(3, -1.0)) if self.chance(0.8) else (self.random.uniform(0.003, 0.006, 3), self.values(3, scale=0.1))
        x = self.add("affine", [x], x.shape, weights=rescaling[0], bias=rescaling[1])
        x = self.convolution(x, self.whole(8, 25), self.one_of((3, 3), (3, 3), (5, 5), (7, 7), (1, 1)), self.one_of((2, 2), (2, 2), (1, 1)))
        blocks = (self.inverted_residual,) * 5 + (self.general_convolution, self.joined, self.elementwise, self.downsampled)
        for _ in range(self.whole(2, 9)):
            x = self.one_of(*blocks)(x)
            if x.shape[2] > LARGEST_CHANNELS:
                x = self.convolution(x, 32)
        if self.chance(0.3):
            x = self.cbam(x)
        if self.chance(0.1) and np.prod(x.shape) <= 4000:
            x = self.add("reshape", [x], (1, 1, int(np.prod(x.shape))))
        else:
            x = self.global_pool(x, self.one_of(MEAN, MEAN, MAX))
        if self.chance(0.5):
            x = self.dense(x, self.whole(4, 65), activation=self.one_of("relu", "hard_swish"))
        self.graph.logits = self.dense(x, 3)
        self.graph.probabilities = self.add("softmax", [self.graph.logits], (1, 1, 3))
        self.graph.remove_unused()
        return self.graph


def random_model(seed, weight_type=fovea_file.F32):
    """The bytes of the network's file. The same seed gives the same network for either type of weights."""
    graph = Maker(seed).make()
    nodes, tensors, names, logits, probabilities = pack.pack_graph(graph, weight_type)
    height, width, channels = graph.input.shape
    return fovea_file.write_fovea(fovea_file.FoveaModel(
        input_size=(height, width, channels), default_size=(height, width), nodes=nodes, tensors=tensors, names=names, logits=logits,
        probabilities=probabilities, preprocessing=fovea_file.Preprocessing(0, 0, 0.0, 0, 0, 0.0, height, width),
        target=fovea_file.TARGETS.index("other"), output_form=fovea_file.OUTPUT_SOFTMAX, labels=["a", "b", "c"],
        provenance=[("model_name", f"random {seed}"), ("source_file", "none"), ("source_sha256", "0" * 64), ("converter_version", "bench"),
                    ("source_framework", "none")]))
