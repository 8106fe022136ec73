# SPDX-License-Identifier: Apache-2.0
"""Which score tells other photos from the detector's own: the Mahalanobis score, or the relative one of Ren et al. 2021 (A Simple Fix to
Mahalanobis Distance for Improving Near-OOD Detection), which takes off the score under one Gaussian of all photos."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

import numpy as np

from .statistics import fit, shares_below

SCORES = ("Mahalanobis", "relative Mahalanobis")
Features = Sequence[np.ndarray]  # of each layer, (photos, dimension)


def scores(fitted: Features, classes: np.ndarray, groups: Dict[str, Features]) -> Dict[str, Dict[str, List[np.ndarray]]]:
    """{score: {group: [of each layer, of each photo]}}"""
    found: Dict[str, Dict[str, List[np.ndarray]]] = {name: {group: [] for group in groups} for name in SCORES}
    for layer, values in enumerate(fitted):
        by_class, background = fit(values, classes), fit(values, np.zeros(len(values), int))
        for group, features in groups.items():
            score = by_class.score(features[layer])
            found[SCORES[0]][group].append(score)
            found[SCORES[1]][group].append(score - background.score(features[layer]))
    return found


def smallest_shares(own: Sequence[np.ndarray], scored: Sequence[np.ndarray]) -> np.ndarray:
    """What share of the detector's own photos was less typical, by the layer that finds a photo least so."""
    return np.min([shares_below(np.sort(one), other) for one, other in zip(own, scored)], axis=0)


def compared(fitted: Features, classes: np.ndarray, aside: Features, others: Dict[str, Features],
             limits: Tuple[float, float]) -> Dict[str, Dict[str, Dict[str, float]]]:
    """{score: {group: AUC against the photos kept aside, and shares of it that are atypical or rejected}}"""
    from sklearn.metrics import roc_auc_score
    found = scores(fitted, classes, {"": aside, **others})
    told: Dict[str, Dict[str, Dict[str, float]]] = {}
    for name, groups in found.items():
        own = smallest_shares(groups[""], groups[""])
        for group in others:
            smallest = smallest_shares(groups[""], groups[group])
            shares = shares_below(np.sort(own), smallest)
            truth = np.repeat([1, 0], [len(own), len(smallest)])
            told.setdefault(name, {})[group] = {
                "photos": len(smallest), "auc": float(roc_auc_score(truth, np.concatenate([own, smallest]))),
                "atypical": float((shares < limits[0]).mean()), "rejected": float((shares < limits[1]).mean())}
    return told


def markdown(told: Dict[str, Dict[str, Dict[str, float]]]) -> str:
    lines = ["| photos | number | score | AUC | atypical or rejected, % | rejected, % |", "|--|--|--|--|--|--|"]
    for group in told[SCORES[0]]:
        for name in SCORES:
            figures = told[name][group]
            lines.append(f"| {group} | {figures['photos']} | {name} | {figures['auc']:.3f} | {100 * figures['atypical']:.1f} | "
                         f"{100 * figures['rejected']:.1f} |")
    return "\n".join(lines) + "\n"
