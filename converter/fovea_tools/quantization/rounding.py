# SPDX-License-Identifier: Apache-2.0
"""Weights as whole numbers: the scales, and rounding whose errors later weights make up for (GPTQ)."""

from __future__ import annotations

from typing import Optional

import numpy as np

LARGEST = 127
LARGEST_PAIR = 128  # of two weights that a 16-bit sum takes together, of one sign
DAMPING = 0.01


def weight_scales(weights: np.ndarray, bias: np.ndarray, pairs: bool) -> np.ndarray:
    """[out] of weights [taps][in][out]: the least with which all weights, and pairs of them, are whole numbers in range."""
    largest = np.abs(weights).max(axis=(0, 1))
    if pairs:
        even = np.zeros((weights.shape[0], -(-weights.shape[1] // 2) * 2, weights.shape[2]))
        even[:, : weights.shape[1]] = weights
        for sign in (1, -1):
            parts = np.maximum(sign * even, 0)
            largest = np.maximum(largest, (parts[:, 0::2] + parts[:, 1::2]).max(axis=(0, 1)))
    return _not_too_small(largest / LARGEST, bias)


def depthwise_scales(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """[channels] of weights [taps][channels]."""
    return _not_too_small(np.abs(weights).max(axis=0) / LARGEST, bias)


def _not_too_small(scales: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """So large that a bias in units of the scale is a whole number of 24 bits."""
    return np.maximum(np.maximum(scales, np.abs(bias) / 2 ** 24), 1e-20)


def rounded(weights: np.ndarray, scales: np.ndarray, covariance: Optional[np.ndarray], pairs: bool) -> np.ndarray:
    """Whole weights [taps][in][out]. covariance: [taps * in] squared, of the inputs in their own units; None rounds to the nearest."""
    taps, inputs, outputs = weights.shape
    left = weights.reshape(taps * inputs, outputs).copy()
    whole = np.zeros_like(left)
    done = np.zeros(len(left), bool)
    order, factors = _elimination(covariance) if covariance is not None else (np.arange(len(left)), None)
    left = left[order]
    for place, index in enumerate(order):
        low = np.full(outputs, -LARGEST, float)
        high = np.full(outputs, LARGEST, float)
        partner = index + 1 if index % inputs % 2 == 0 else index - 1
        if pairs and 0 <= partner < len(order) and partner // inputs == index // inputs and done[partner]:
            high = np.minimum(high, LARGEST_PAIR - np.maximum(whole[partner], 0))
            low = np.maximum(low, -LARGEST_PAIR - np.minimum(whole[partner], 0))
        value = np.clip(np.rint(left[place] / scales), low, high)
        whole[index], done[index] = value, True
        if factors is not None and place + 1 < len(order):
            error = (left[place] - value * scales) / factors[place, place]
            left[place + 1:] -= np.outer(factors[place, place + 1:], error)
    return whole.reshape(taps, inputs, outputs).astype(np.int8)


def rounded_depthwise(weights: np.ndarray, scales: np.ndarray, covariance: Optional[np.ndarray]) -> np.ndarray:
    """Whole weights [taps][channels]. covariance: [channels][taps][taps]."""
    if covariance is None:
        return np.clip(np.rint(weights / scales), -LARGEST, LARGEST).astype(np.int8)
    whole = np.zeros(weights.shape)
    for channel in range(weights.shape[1]):
        matrix = covariance[channel]
        whole[:, channel] = rounded(weights[:, None, channel:channel + 1], scales[channel:channel + 1], matrix, False)[:, 0, 0]
    return whole.astype(np.int8)


def _elimination(covariance: np.ndarray):
    """The order in which weights are rounded, those that matter most first, and by what each error is passed on."""
    matrix = covariance + DAMPING * max(float(np.mean(np.diag(covariance))), 1e-30) * np.eye(len(covariance))
    order = np.argsort(-np.diag(matrix), kind="stable")
    inverse = np.linalg.inv(matrix[np.ix_(order, order)])
    return order, np.linalg.cholesky((inverse + inverse.T) / 2).T
