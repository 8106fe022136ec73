# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of calibration: temperature, operating points, and how far confidence and accuracy are apart.

weights: one number a photo, in any unit; None: every photo counts alike.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Optional

import numpy as np
import scipy.optimize
import scipy.special

BINS = 15
SMALLEST_PROBABILITY = 1e-7  # below it a probability counts as this in the likelihood
LOG_TEMPERATURE_RANGE = (-3.0, 3.0)


def _shares(weights: Optional[np.ndarray], count: int) -> np.ndarray:
    """The weights as shares that sum to 1."""
    if weights is None:
        return np.full(count, 1.0 / count)
    return np.asarray(weights, np.float64) / np.sum(weights)


def cell_weights(sources: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Weights that sum to 1 and give every source the same share, and both classes half of it."""
    weights = np.zeros(len(sources))
    names = np.unique(sources)
    for name in names:
        for value in (0, 1):
            cell = (sources == name) & (positive == value)
            if cell.any():
                weights[cell] = 0.5 / len(names) / cell.sum()
    return weights / weights.sum()


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (N, classes) of logits (N, classes)."""
    return scipy.special.softmax(np.asarray(logits, np.float64) / temperature, axis=1)


@dataclasses.dataclass(frozen=True)
class TemperatureFit:
    value: float
    at_bound: bool  # no minimum within the range: the classes are told apart without a mistake, or not at all


def fit_temperature(logits: np.ndarray, classes: np.ndarray, weights: Optional[np.ndarray] = None) -> TemperatureFit:
    """The temperature with the least negative log-likelihood of the true classes (Guo et al. 2017, arXiv:1706.04599)."""
    logits = np.asarray(logits, np.float64)
    shares = _shares(weights, len(logits))
    # Differences to the true class: exact where that class is all but certain.
    behind = logits - logits[np.arange(len(logits)), classes][:, None]

    def loss(log_temperature: float) -> float:
        return float(shares @ scipy.special.logsumexp(behind / np.exp(log_temperature), axis=1))

    low, high = LOG_TEMPERATURE_RANGE
    found = float(scipy.optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-9}).x)
    return TemperatureFit(float(np.exp(found)), not low + 1e-4 < found < high - 1e-4)


def negative_log_likelihood(probabilities: np.ndarray, classes: np.ndarray, weights: Optional[np.ndarray] = None) -> float:
    true = np.maximum(probabilities[np.arange(len(classes)), classes], SMALLEST_PROBABILITY)
    return float(-(_shares(weights, len(classes)) @ np.log(true)))


def bin_numbers(confidence: np.ndarray) -> np.ndarray:
    """In which of the equal-width bins (low, high] a confidence lies, counted from 0; 0 itself is in the first."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def expected_calibration_error(probabilities: np.ndarray, classes: np.ndarray, weights: Optional[np.ndarray] = None) -> float:
    """Mean distance of confidence (the largest probability) and accuracy over the bins of bin_numbers."""
    confidence = probabilities.max(axis=1)
    surplus = _shares(weights, len(classes)) * ((probabilities.argmax(axis=1) == classes) - confidence)
    return float(np.abs(np.bincount(bin_numbers(confidence), surplus, BINS)).sum())


def operating_points(score: np.ndarray, positive: np.ndarray, weights: Optional[np.ndarray] = None) -> Dict[str, float]:
    """{name: threshold}; a photo is positive when its score, from 0 to 1, reaches the threshold.

    balanced: sensitivity and specificity as close to each other as they come. sensitivity_95: the highest threshold
    with sensitivity >= 0.95; specificity_95: the lowest with specificity >= 0.95. Both are weighted means.
    Thresholds lie halfway between scores that occur, so that another rounding of a score moves no photo across.
    """
    shares = _shares(weights, len(score))
    scores, place = np.unique(score, return_inverse=True)
    sick = np.bincount(place, shares * (positive == 1), len(scores))
    well = np.bincount(place, shares * (positive == 0), len(scores))
    # Threshold i has the scores from i on above it; the last one has none.
    edges = np.concatenate([[0.0], scores, [1.0]])
    thresholds = (edges[:-1] + edges[1:]) / 2
    sensitivity = 1 - np.concatenate([[0.0], np.cumsum(sick)]) / sick.sum()
    specificity = np.concatenate([[0.0], np.cumsum(well)]) / well.sum()
    # Rounding in the sums must not move a threshold past the photo that sits on the limit.
    enough = 0.95 - 1e-9
    return {
        "balanced": float(thresholds[np.argmin(np.abs(sensitivity - specificity))]),
        "sensitivity_95": float(thresholds[np.flatnonzero(sensitivity >= enough)[-1]]),
        "specificity_95": float(thresholds[np.flatnonzero(specificity >= enough)[0]]),
    }
