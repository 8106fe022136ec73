# SPDX-License-Identifier: Apache-2.0
"""What codes cost on pictures that were not used: of the margin between the classes, of labels, and layer by layer."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Sequence

import numpy as np

from .codes import Quantized
from .network import tap_name
from .quantize import Quantizer

MOST_DECIBEL = 999.0  # where nothing was lost


def margin(logits: np.ndarray) -> np.ndarray:
    """What decides between two classes: how far the last is above the first."""
    return logits[:, -1] - logits[:, 0] if logits.shape[1] > 1 else logits[:, 0]


def deciding_margin(quantizer: Quantizer) -> float:
    """The margin at the model's default threshold."""
    model = quantizer.network.model
    threshold = 0.5
    if model.operating_points and model.default_point is not None:
        threshold = model.operating_points[model.default_point][1]
    return model.temperature * float(np.log(threshold / (1 - threshold))) if 0 < threshold < 1 else 0.0


def expected_flips(distances: np.ndarray, error: float) -> float:
    """Labels that a normal error of that size changes, of pictures whose margins lie that far from the deciding one."""
    if error == 0:
        return 0.0
    return float(sum(0.5 * math.erfc(abs(distance) / (error * math.sqrt(2))) for distance in distances))


def of_margin(quantizer: Quantizer, quantized: Quantized, pictures: Sequence[str]) -> Dict[str, Any]:
    path, _ = quantizer.written(quantized)
    before = margin(quantizer.engine.logits(quantizer.float_path, pictures))
    after = margin(quantizer.engine.logits(path, pictures))
    error = after - before
    cut = deciding_margin(quantizer)
    rms = float(np.sqrt(np.mean(error ** 2)))
    return {
        "pictures": len(pictures), "margin_rms_error": rms, "margin_spread": float(before.std()),
        "largest_margin_error": float(np.abs(error).max()), "labels_that_differ": int(np.sum((before >= cut) != (after >= cut))),
        "labels_expected_to_differ": round(expected_flips(before - cut, rms), 2),
    }


def signal_to_noise(quantizer: Quantizer, quantized: Quantized, pictures: Sequence[str]) -> Dict[int, float]:
    """In decibel, of each value that is made of codes."""
    path, places = quantizer.written(quantized)
    values = sorted(quantized.choice.made)
    noise, signal = dict.fromkeys(values, 0.0), dict.fromkeys(values, 0.0)
    pairs = zip(quantizer.float_taps(pictures, values, "layers"),
                quantizer.taps(path, pictures, {tap_name(places[value - 1]): value - 1 for value in values}, "layers in codes"))
    for one, other in pairs:
        for value in values:
            wanted = one[value].astype(np.float64)
            signal[value] += float((wanted ** 2).sum())
            noise[value] += float(((other[value] - wanted) ** 2).sum())
    return {value: float(10 * np.log10(signal[value] / noise[value])) if noise[value] > 0 and signal[value] > 0 else MOST_DECIBEL
            for value in values}


def of_layers(quantizer: Quantizer, quantized: Quantized, ratios: Dict[int, float]) -> List[Dict[str, Any]]:
    """range: the least and the greatest value that any channel had; narrowest: the least range of a channel as part of the widest."""
    layers = []
    for value, ratio in ratios.items():
        layer = {"layer": quantizer.network.label(value - 1), "bits": quantized.scales[value].bits, "sqnr_db": round(ratio, 2)}
        seen = quantizer.measured.ranges.get(value)
        if seen is not None:
            widths = seen.high - seen.low
            layer["range"] = [float(f"{seen.low.min():.4g}"), float(f"{seen.high.max():.4g}")]
            layer["narrowest"] = float(f"{widths.min() / max(widths.max(), 1e-30):.3g}")
        layers.append(layer)
    return layers
