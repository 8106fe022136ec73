# SPDX-License-Identifier: Apache-2.0
"""Gaussians of a layer's features: the Mahalanobis score of Lee et al. 2018 (A Simple Unified Framework for Detecting
Out-of-Distribution Samples), with the covariance shrunk after Ledoit and Wolf 2004."""

from __future__ import annotations

import dataclasses
from typing import Sequence

import numpy as np

from ..errors import CalibrationError
from ..file.typicality import TypicalityStatistics

SMALLEST_SHRINKAGE = 1e-3  # units that never fire have no variance
DIRECTIONS = 128           # of a wide layer's covariance so many are stored, which bounds the file


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """One mean a class, one covariance for all: `variances` along the orthonormal rows of `directions`, rest_variance across them."""

    means: np.ndarray        # (classes, dimension) float32
    directions: np.ndarray   # (count, dimension) float32
    variances: np.ndarray    # (count,) float32
    rest_variance: float
    shrinkage: float         # share of the covariance that is the same for every direction

    def score(self, features: np.ndarray) -> np.ndarray:
        """max over the classes of -1/2 (f - mean)^T C^-1 (f - mean) for each row; the engine computes the same."""
        best = np.full(len(features), -np.inf)
        directions, variances = self.directions.astype(np.float64), self.variances.astype(np.float64)
        for mean in self.means.astype(np.float64):
            away = features - mean
            parts = (away @ directions.T) ** 2
            distance = (parts / variances).sum(axis=1)
            if len(variances) < features.shape[1]:
                distance = distance + np.maximum(0.0, (away ** 2).sum(axis=1) - parts.sum(axis=1)) / np.float32(self.rest_variance)
            best = np.maximum(best, -0.5 * distance)
        return best


def fit(features: np.ndarray, classes: np.ndarray, most_directions: int = DIRECTIONS) -> Gaussian:
    """features: (photos, dimension) float64; classes: of each photo. All directions are kept where there are at most most_directions."""
    from sklearn.covariance import ledoit_wolf_shrinkage
    present = np.unique(classes)
    means = np.stack([features[classes == one].mean(axis=0) for one in present])
    centred = features - means[np.searchsorted(present, classes)]
    dimension = features.shape[1]
    shrinkage = max(SMALLEST_SHRINKAGE, float(ledoit_wolf_shrinkage(centred, assume_centered=True)))
    covariance = centred.T @ centred / len(centred)
    average = float(np.trace(covariance)) / dimension
    if not average > 0:
        raise CalibrationError("the features of all photos of a class are the same: this layer tells nothing")
    variances, columns = np.linalg.eigh((1 - shrinkage) * covariance + shrinkage * average * np.eye(dimension))
    order = np.argsort(variances)[::-1]
    count = dimension if dimension <= most_directions else most_directions
    kept, rest = order[:count], order[count:]
    directions = columns[:, kept].T
    # The sign of a direction is the solver's choice: the largest part is made positive, so that a file is the same everywhere.
    largest = directions[np.arange(count), np.abs(directions).argmax(axis=1)]
    directions = directions * np.sign(largest)[:, None]
    rest_variance = float(variances[rest].mean()) if len(rest) else float(variances[kept[-1]])
    return Gaussian(means.astype(np.float32), directions.astype(np.float32), variances[kept].astype(np.float32), rest_variance, shrinkage)


def shares_of(statistics: TypicalityStatistics, features: Sequence[np.ndarray]) -> np.ndarray:
    """The share of the detector's own photos that were less typical than each of these; features: of each tap, (photos, dimension). As the engine
    does: of the taps the one that finds a photo least typical counts."""
    found = []
    for tap, values in zip(statistics.taps, features):
        gaussian = Gaussian(tap.means, tap.directions, tap.variances, tap.rest_variance, 0.0)
        found.append(shares_below(tap.sorted_scores, gaussian.score(values)))
    return shares_below(statistics.sorted_shares, np.min(found, axis=0))


def shares_below(sorted_values: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each value the share of the sorted ones that lie below it, in float32 as the file has them."""
    return (np.searchsorted(sorted_values, values, side="left") / len(sorted_values)).astype(np.float32)
