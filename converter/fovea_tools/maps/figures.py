# SPDX-License-Identifier: Apache-2.0
"""How well a map fits a region, and how well it orders the pixels: pure arithmetic on arrays.

A map has a value >= 0 for each pixel, `inside` the share of each pixel that lies in the region, `lit` the pixels of the eye."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np


def shares_in_cells(mask: np.ndarray, area: Sequence[float], side: int) -> np.ndarray:
    """What share of each cell of a side x side grid over the area (x, y, width, height, in pixels of the mask) lies in the mask."""

    def along(values: np.ndarray, begin: float, length: float) -> np.ndarray:
        """Sums over the cells' extents along the first axis, as means."""
        sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=np.float64)])
        edges = np.clip(begin + length * np.arange(side + 1) / side, 0, len(values))
        lower = np.minimum(np.floor(edges).astype(int), len(values) - 1)
        part = (edges - lower).reshape(-1, *[1] * (values.ndim - 1))
        at_edges = sums[lower] * (1 - part) + sums[lower + 1] * part
        return np.diff(at_edges, axis=0) * side / length

    x, y, width, height = area
    return along(along(mask.astype(np.float64), y, height).T, x, width).T


def enlarged(values: np.ndarray, side: int) -> np.ndarray:
    """A coarser map, between its values in proportion, as an overlay shows it."""
    if values.shape == (side, side):
        return values

    def along(rows: np.ndarray) -> np.ndarray:
        place = np.clip((np.arange(side) + 0.5) / side * len(rows) - 0.5, 0, len(rows) - 1)
        first = np.minimum(place.astype(int), max(len(rows) - 2, 0))
        part = (place - first)[:, None]
        return rows[first] * (1 - part) + rows[np.minimum(first + 1, len(rows) - 1)] * part

    return along(along(values).T).T


def energy_share(values: np.ndarray, inside: np.ndarray, lit: np.ndarray) -> float:
    """The region's part of all that the map has within the eye; of an empty map what an even one would give."""
    total = float(values[lit].sum())
    return float((values * inside)[lit].sum()) / total if total > 0 else area_share(inside, lit)


def area_share(inside: np.ndarray, lit: np.ndarray) -> float:
    return float(inside[lit].sum()) / max(int(lit.sum()), 1)


def widened(inside: np.ndarray, radius: float) -> np.ndarray:
    """Pixels no farther than the radius from one that is at least half inside."""
    from scipy import ndimage
    near = inside >= 0.5
    return ndimage.distance_transform_edt(~near) <= radius if near.any() else near


def points_into(values: np.ndarray, near: np.ndarray, lit: np.ndarray) -> float:
    """The pointing game: 1 where the map's largest value within the eye lies in the region. Where several are the largest, their share."""
    largest = lit & (values == values[lit].max())
    return float(near[largest].mean())


def pixel_auc(values: np.ndarray, inside: np.ndarray, lit: np.ndarray) -> float:
    """The chance that a piece of the region has a larger value than a piece of the rest, ties as halves. nan where there is no region."""
    positive, negative = inside[lit].astype(np.float64), 1.0 - inside[lit]
    _, level = np.unique(values[lit], return_inverse=True)
    at_level, rest = np.bincount(level, positive), np.bincount(level, negative)
    below = np.cumsum(rest) - rest
    pieces = at_level.sum() * rest.sum()
    return float((at_level * (below + rest / 2)).sum() / pieces) if pieces > 0 else float("nan")


def rank_correlation(one: np.ndarray, other: np.ndarray, lit: np.ndarray) -> float:
    """Spearman's, of two maps; 0 where one is the same everywhere."""
    from scipy import stats
    if np.ptp(one[lit]) == 0 or np.ptp(other[lit]) == 0:
        return 0.0
    return float(stats.spearmanr(one[lit], other[lit]).statistic)


def edited(pixels: np.ndarray, values: np.ndarray, lit: np.ndarray, shares: Sequence[float], fill: float, keep: bool) -> np.ndarray:
    """Copies of a picture, one for each share of the eye's pixels, those with the largest values first: these are filled (deletion), or all
    others are (insertion, keep). Of equal values the upper left comes first."""
    order = np.flatnonzero(lit.ravel())
    order = order[np.argsort(-values.ravel()[order], kind="stable")]
    copies = []
    for share in shares:
        first = int(round(share * len(order)))
        copy = pixels.reshape(-1, pixels.shape[-1]).copy()
        copy[order[first:] if keep else order[:first]] = fill
        copies.append(copy.reshape(pixels.shape))
    return np.stack(copies)


def area_under(shares: Sequence[float], scores: Sequence[float]) -> float:
    x, y = np.asarray(shares, np.float64), np.asarray(scores, np.float64)
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())


def mean_and_error(values: Sequence[float]) -> Tuple[float, float]:
    """The mean of what is a number, and its standard error."""
    known = np.asarray([value for value in values if value == value], np.float64)
    if len(known) == 0:
        return float("nan"), float("nan")
    return float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
