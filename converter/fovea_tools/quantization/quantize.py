# SPDX-License-Identifier: Apache-2.0
"""From a network of floats to one of codes: ranges and covariances of the float network, rounded weights, biases that keep each
layer's mean, and more bits where a layer loses most."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np

from ..errors import QuantizationError
from ..file.fovea_file import FoveaModel, write_fovea
from .codes import Quantized, WholeLayer, model_of, scale_of, scale_of_pixels, with_golden
from ..engine import Engine
from .network import LAYERS, Choice, Network, choose, tap_name, with_taps
from .rounding import depthwise_scales, rounded, rounded_depthwise, weight_scales
from .statistics import Covariance, Range, WindowMean

WIDE_BLOCKS = {"exact": 2, "fast": 0}  # blocks from the input on whose values have 16 bits
WIDENED_AT_ONCE = 3  # values that get 16 bits before the error is measured again


@dataclass
class Settings:
    precision: str
    nearest: bool
    fit: int  # how many of the pictures weights and biases are fitted to
    keep: Dict[int, str]


@dataclass
class Measured:
    """What the photos say of the float network. Keys of ranges are values, of the others nodes."""

    ranges: Dict[int, Range] = field(default_factory=dict)
    means: Dict[int, np.ndarray] = field(default_factory=dict)  # [taps][in] of the input
    covariances: Dict[int, np.ndarray] = field(default_factory=dict)  # none where weights are rounded to the nearest


class Quantizer:
    def __init__(self, engine: Engine, model: FoveaModel, settings: Settings, say: Callable[[str], None]) -> None:
        self.engine, self.settings, self.say = engine, settings, say
        self.network = Network(model)
        self.float_path = engine.stored(with_taps(model))
        self.measured = Measured()

    def taps(self, path: str, pictures: Sequence[str], nodes: Dict[str, int], what: str):
        """{value: array} of each picture. nodes: tap's name -> the float network's node."""
        if not nodes:
            return
        say = lambda done: self.say(f"{what}: {done} of {len(pictures)} pictures")
        for found in self.engine.taps(path, pictures, sorted(nodes, key=nodes.get), say):
            yield {nodes[name] + 1: value for name, value in found.items()}

    def float_taps(self, pictures: Sequence[str], values: Sequence[int], what: str):
        return self.taps(self.float_path, pictures, {tap_name(value - 1): value - 1 for value in values}, what)

    def shapes(self, picture: str) -> Dict[int, tuple]:
        values = range(1, len(self.network.model.nodes) + 1)
        found = next(iter(self.float_taps([picture], list(values), "shapes")))
        height, width = self.network.model.default_size
        return {0: (height, width, self.network.model.input_size[2]), **{value: array.shape for value, array in found.items()}}

    def quantize(self, pictures: Sequence[str]) -> Quantized:
        self.found_shapes = self.shapes(pictures[0])
        choice = self.choice(self.settings.keep)
        if not choice.made and not choice.dense:
            raise QuantizationError("none of the network's layers can be made of codes")
        self.measure(choice, pictures)
        return self.build(choice, pictures)

    def choice(self, keep: Dict[int, str]) -> Choice:
        return choose(self.network, self.found_shapes, WIDE_BLOCKS[self.settings.precision], keep)

    def layers_of(self, choice: Choice) -> List[int]:
        return [value - 1 for value in choice.made if self.network.kind(value - 1) in LAYERS]

    def measure(self, choice: Choice, pictures: Sequence[str]) -> None:
        """What any choice of bits for these values needs to know."""
        model, layers = self.network.model, self.layers_of(choice)
        means = {node: WindowMean() for node in layers}
        covariances = {node: Covariance(self.network.kind(node) == "depthwise") for node in layers}
        for number, found in enumerate(self.float_taps(pictures, sorted(choice.codes), "ranges")):
            for value, array in found.items():
                self.measured.ranges.setdefault(value, Range(array.shape[2])).add(array)
            if number >= self.settings.fit:
                continue
            for node in layers:
                entry = model.nodes[node]
                means[node].add(entry, found[entry.operands[0]])
                if not self.settings.nearest:
                    covariances[node].add(entry, found[entry.operands[0]])
        self.measured.means = {node: mean.mean() for node, mean in means.items()}
        if not self.settings.nearest:
            self.measured.covariances = {node: covariance.matrix() for node, covariance in covariances.items()}

    def build(self, choice: Choice, pictures: Sequence[str]) -> Quantized:
        quantized = Quantized(self.network, choice, self.scales(choice, self.measured.ranges))
        layers = self.layers_of(choice)
        for number, node in enumerate(layers):
            quantized.layers[node] = self.whole_layer(node, quantized)
            self.say(f"weights: {number + 1} of {len(layers)} layers")
        for number, node in enumerate(layers):
            what = f"biases, {number + 1} of {len(layers)} layers"
            self.correct_bias(node, quantized, pictures[: self.settings.fit], self.measured.means[node], what)
        return quantized

    def widened(self, quantized: Quantized, ratios: Dict[int, float]) -> Optional[Choice]:
        """The choice with 16 bits for the inputs of those layers that lose most of the ratio of signal to noise (ratios: value -> dB),
        or None where no layer has an input of 8 bits that may have more."""
        choice = quantized.choice
        falls = {}
        for node in self.layers_of(choice):
            taken = self.network.model.nodes[node].operands[0]
            if choice.codes[taken] == 8 and self.settings.keep.get(taken - 1) != "fp32":
                falls[taken] = max(falls.get(taken, -np.inf), ratios.get(taken, np.inf) - ratios[node + 1])
        most = sorted(falls, key=lambda value: (-falls[value], value))[:WIDENED_AT_ONCE]
        if not most:
            return None
        for value in most:
            self.settings.keep[value - 1] = "int16"
        return self.choice(self.settings.keep)

    def scales(self, choice: Choice, ranges: Dict[int, Range]):
        scales = {}
        for value, bits in choice.codes.items():
            node = self.network.model.nodes[value - 1]
            if value in choice.made and self.network.kind(value - 1) == "affine":
                scales[value] = scale_of_pixels(self.network.vector(node.weights), self.network.vector(node.bias))
            else:
                scales[value] = scale_of(ranges[value], bits)
        return scales

    def whole_layer(self, node: int, quantized: Quantized) -> WholeLayer:
        """The bias makes up for what rounding the weights does to the mean."""
        layer = self.network.layer(node)
        taken = quantized.scales[self.network.model.nodes[node].operands[0]]
        matrix, mean = self.measured.covariances.get(node), self.measured.means[node]
        if layer.depthwise:
            weights = layer.weights * taken.scale
            scales = depthwise_scales(weights, layer.bias)
            if matrix is not None:
                matrix = matrix / (taken.scale ** 2)[:, None, None]
            whole = rounded_depthwise(weights, scales, matrix)
            moved = ((weights - whole * scales) * (mean / taken.scale)).sum(axis=0)
        else:
            weights = layer.weights * taken.scale[None, :, None]
            pairs = taken.bits == 8
            scales = weight_scales(weights, layer.bias, pairs)
            if matrix is not None:
                units = np.tile(taken.scale, len(weights))
                matrix = matrix / np.outer(units, units)
            whole = rounded(weights, scales, matrix, pairs)
            moved = np.einsum("tio,ti->o", weights - whole * scales, mean / taken.scale)
        return WholeLayer(layer, whole, scales, layer.bias + moved)

    def correct_bias(self, node: int, quantized: Quantized, pictures: Sequence[str], wanted: np.ndarray, what: str) -> None:
        """The layer's mean before its activation that of the float network, with the input that the layers before it give: so
        one layer after the other. wanted: the float network's mean input, [taps][in]."""
        entry, whole = self.network.model.nodes[node], quantized.layers[node]
        taken = entry.operands[0]
        path, places = self.written(quantized)
        seen = WindowMean()
        for found in self.taps(path, pictures, {tap_name(places[taken - 1]): taken - 1}, what):
            seen.add(entry, found[taken])
        got = seen.mean() / quantized.scales[taken].scale
        if whole.layer.depthwise:
            before, after = (whole.layer.weights * wanted).sum(axis=0), (whole.weights * got).sum(axis=0)
        else:
            before = np.einsum("tio,ti->o", whole.layer.weights, wanted)
            after = np.einsum("tio,ti->o", whole.weights.astype(np.float64), got)
        whole.bias = whole.layer.bias + before - whole.scales * after

    def written(self, quantized: Quantized):
        """A model file whose nodes have the names of taps, and where the float network's nodes are in it."""
        model, places = model_of(quantized)
        return self.engine.stored(with_taps(model)), places


def finished(engine: Engine, quantized: Quantized, pixels: Sequence[bytes]) -> bytes:
    """The file, its golden vectors its own bits for these pixels."""
    model, _ = model_of(quantized)
    paths = engine.pixel_files(pixels, (*model.default_size, model.input_size[2]))
    logits = engine.logits(engine.stored(write_fovea(model)), paths)
    return write_fovea(with_golden(model, list(pixels), logits))
