# SPDX-License-Identifier: Apache-2.0
"""What photos tell of the values of a network: ranges, means under a layer's window, covariances."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ..file.fovea_file import FileNode

POSITIONS = 800  # of a picture's window positions, at most, that a covariance is made of


def _padding(node: FileNode, height: int, width: int) -> Tuple[int, int, int, int]:
    """Top, left, bottom, right."""
    if not node.padding_mode:
        return node.padding
    sides = []
    for size, kernel, stride, dilation in zip((height, width), node.kernel, node.strides, node.dilation):
        total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        sides.append((total // 2, total - total // 2))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


def window_views(node: FileNode, value: np.ndarray) -> np.ndarray:
    """[taps][positions down][positions across][channels]: what each tap of the layer's window sees; padding is 0."""
    top, left, bottom, right = _padding(node, value.shape[0], value.shape[1])
    padded = np.pad(value, ((top, bottom), (left, right), (0, 0)))
    reach = [(kernel - 1) * dilation for kernel, dilation in zip(node.kernel, node.dilation)]
    down = (padded.shape[0] - reach[0] - 1) // node.strides[0] + 1
    across = (padded.shape[1] - reach[1] - 1) // node.strides[1] + 1
    views = []
    for a in range(node.kernel[0]):
        for b in range(node.kernel[1]):
            y, x = a * node.dilation[0], b * node.dilation[1]
            views.append(padded[y:y + (down - 1) * node.strides[0] + 1:node.strides[0],
                                x:x + (across - 1) * node.strides[1] + 1:node.strides[1]])
    return np.stack(views)


class Range:
    """The least and the greatest value of each channel, 0 among them."""

    def __init__(self, channels: int) -> None:
        self.low, self.high = np.zeros(channels), np.zeros(channels)

    def add(self, value: np.ndarray) -> None:
        self.low = np.minimum(self.low, value.min(axis=(0, 1)))
        self.high = np.maximum(self.high, value.max(axis=(0, 1)))


class WindowMean:
    """[taps][channels]: the mean of what each tap of a layer's window sees."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, node: FileNode, value: np.ndarray) -> None:
        views = window_views(node, value)
        self.total = self.total + views.sum(axis=(1, 2), dtype=np.float64)
        self.count += views.shape[1] * views.shape[2]

    def mean(self) -> np.ndarray:
        return self.total / self.count


class Covariance:
    """Of a layer's inputs under its window: [taps * in] squared, or [channels][taps][taps] of a depthwise layer."""

    def __init__(self, depthwise: bool) -> None:
        self.depthwise = depthwise
        self.products, self.sums, self.count = 0.0, 0.0, 0

    def add(self, node: FileNode, value: np.ndarray) -> None:
        views = window_views(node, value)
        taps, channels = views.shape[0], views.shape[3]
        flat = views.reshape(taps, -1, channels)
        flat = flat[:, ::max(flat.shape[1] // POSITIONS, 1)]
        if self.depthwise:
            by_channel = np.ascontiguousarray(flat.transpose(2, 0, 1))  # [channels][taps][positions]
            self.products = self.products + np.matmul(by_channel, by_channel.transpose(0, 2, 1)).astype(np.float64)
            self.sums = self.sums + by_channel.sum(axis=2, dtype=np.float64)
        else:
            rows = np.ascontiguousarray(flat.transpose(1, 0, 2)).reshape(flat.shape[1], -1)
            self.products = self.products + (rows.T @ rows).astype(np.float64)
            self.sums = self.sums + rows.sum(axis=0, dtype=np.float64)
        self.count += flat.shape[1]

    def matrix(self) -> np.ndarray:
        means = self.sums / self.count
        if self.depthwise:
            return self.products / self.count - means[:, :, None] * means[:, None, :]
        return self.products / self.count - np.outer(means, means)
