# SPDX-License-Identifier: Apache-2.0
"""From a network of floats to one of codes: ranges and covariances of the float network, rounded weights, biases that keep each
layer's mean, and figures of photos that were not used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Sequence

import numpy as np

from ..errors import QuantizationError
from ..file.fovea_file import FoveaModel, write_fovea
from .codes import Quantized, WholeLayer, model_of, scale_of, scale_of_pixels, with_golden
from ..engine import Engine
from .network import LAYERS, Choice, Network, choose, tap_name, with_taps
from .rounding import depthwise_scales, rounded, rounded_depthwise, weight_scales
from .statistics import Covariance, Range, WindowMean

WIDE_BLOCKS = {"exact": 2, "fast": 0}  # blocks from the input on whose values have 16 bits


@dataclass
class Settings:
    precision: str
    nearest: bool
    fit: int  # how many of the pictures weights and biases are fitted to
    keep: Dict[int, str]


class Quantizer:
    def __init__(self, engine: Engine, model: FoveaModel, settings: Settings, say: Callable[[str], None]) -> None:
        self.engine, self.settings, self.say = engine, settings, say
        self.network = Network(model)
        self.float_path = engine.stored(with_taps(model))

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
        network, model = self.network, self.network.model
        choice = choose(network, self.shapes(pictures[0]), WIDE_BLOCKS[self.settings.precision], self.settings.keep)
        if not choice.made and not choice.dense:
            raise QuantizationError("none of the network's layers can be made of codes")
        layers = [value - 1 for value in choice.made if network.kind(value - 1) in LAYERS]
        read = sorted(choice.codes)
        ranges: Dict[int, Range] = {}
        means = {node: WindowMean() for node in layers}
        covariances = {node: Covariance(network.kind(node) == "depthwise") for node in layers}
        for number, found in enumerate(self.float_taps(pictures, read, "ranges")):
            for value, array in found.items():
                ranges.setdefault(value, Range(array.shape[2])).add(array)
            if number >= self.settings.fit:
                continue
            for node in layers:
                entry = model.nodes[node]
                means[node].add(entry, found[entry.operands[0]])
                if not self.settings.nearest:
                    covariances[node].add(entry, found[entry.operands[0]])
        quantized = Quantized(network, choice, self.scales(choice, ranges))
        for number, node in enumerate(layers):
            quantized.layers[node] = self.whole_layer(node, quantized, covariances[node], means[node].mean())
            self.say(f"weights: {number + 1} of {len(layers)} layers")
        for number, node in enumerate(layers):
            what = f"biases, {number + 1} of {len(layers)} layers"
            self.correct_bias(node, quantized, pictures[: self.settings.fit], means[node].mean(), what)
        return quantized

    def scales(self, choice: Choice, ranges: Dict[int, Range]):
        scales = {}
        for value, bits in choice.codes.items():
            node = self.network.model.nodes[value - 1]
            if value in choice.made and self.network.kind(value - 1) == "affine":
                scales[value] = scale_of_pixels(self.network.vector(node.weights), self.network.vector(node.bias))
            else:
                scales[value] = scale_of(ranges[value], bits)
        return scales

    def whole_layer(self, node: int, quantized: Quantized, covariance: Covariance, mean: np.ndarray) -> WholeLayer:
        """mean: [taps][in] of the float network's input. The bias makes up for what rounding the weights does to the mean."""
        layer = self.network.layer(node)
        taken = quantized.scales[self.network.model.nodes[node].operands[0]]
        matrix = None if self.settings.nearest else covariance.matrix()
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


def margin(logits: np.ndarray) -> np.ndarray:
    """What decides between two classes: how far the last is above the first."""
    return logits[:, -1] - logits[:, 0] if logits.shape[1] > 1 else logits[:, 0]


def figures(quantizer: Quantizer, quantized: Quantized, pictures: Sequence[str], few: int) -> Dict[str, Any]:
    """What the codes cost on pictures that were not used: of the margin, of labels, and layer by layer."""
    network, model = quantizer.network, quantizer.network.model
    path, places = quantizer.written(quantized)
    before = quantizer.engine.logits(quantizer.float_path, pictures)
    after = quantizer.engine.logits(path, pictures)
    error = margin(after) - margin(before)
    threshold = 0.5
    if model.operating_points and model.default_point is not None:
        threshold = model.operating_points[model.default_point][1]
    cut = model.temperature * float(np.log(threshold / (1 - threshold))) if 0 < threshold < 1 else 0.0
    flips = int(np.sum((margin(before) >= cut) != (margin(after) >= cut)))
    noise, signal = {}, {}
    values = [value for value in sorted(quantized.choice.made)]
    pairs = zip(quantizer.float_taps(pictures[:few], values, "layers"),
                quantizer.taps(path, pictures[:few], {tap_name(places[value - 1]): value - 1 for value in values}, "layers in codes"))
    for one, other in pairs:
        for value in values:
            wanted = one[value].astype(np.float64)
            signal[value] = signal.get(value, 0.0) + float((wanted ** 2).sum())
            noise[value] = noise.get(value, 0.0) + float(((other[value] - wanted) ** 2).sum())
    layers: List[Dict[str, Any]] = []
    for value in values:
        ratio = 10 * np.log10(signal[value] / noise[value]) if noise[value] > 0 and signal[value] > 0 else 999.0
        layers.append({"layer": network.label(value - 1), "bits": quantized.scales[value].bits, "sqnr_db": round(float(ratio), 2)})
    return {
        "pictures": len(pictures), "margin_rms_error": float(np.sqrt(np.mean(error ** 2))), "margin_spread": float(margin(before).std()),
        "largest_margin_error": float(np.abs(error).max()), "labels_that_differ": flips, "layers": layers,
    }


def finished(engine: Engine, quantized: Quantized, pixels: Sequence[bytes]) -> bytes:
    """The file, its golden vectors its own bits for these pixels."""
    model, _ = model_of(quantized)
    paths = engine.pixel_files(pixels, (*model.default_size, model.input_size[2]))
    logits = engine.logits(engine.stored(write_fovea(model)), paths)
    return write_fovea(with_golden(model, list(pixels), logits))
