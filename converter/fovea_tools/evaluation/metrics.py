# SPDX-License-Identifier: Apache-2.0
"""Figures of a classification: counts, shares with intervals, agreement, ranking. scikit-learn and SciPy do the arithmetic.

Where a denominator is zero the figure is 0 and a flag says so, as domain practice and scikit-learn have it.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import scipy.stats
import sklearn.metrics

CONFIDENCE = 0.95
Z = float(scipy.stats.norm.ppf(0.5 + CONFIDENCE / 2))


def proportion(successes: int, total: int) -> Dict[str, Any]:
    """A share with its Wilson and its Clopper-Pearson interval; intervals are None where there is nothing to count."""
    k, n = int(successes), int(total)
    if n == 0:
        return {"k": k, "n": n, "value": 0.0, "wilson95": None, "clopper_pearson95": None}
    wilson = scipy.stats.binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    tail = (1 - CONFIDENCE) / 2
    exact = [float(scipy.stats.beta.ppf(tail, k, n - k + 1)) if k > 0 else 0.0,
             float(scipy.stats.beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0]
    return {"k": k, "n": n, "value": k / n, "wilson95": [float(wilson.low), float(wilson.high)], "clopper_pearson95": exact}


def clustered_interval(success: np.ndarray, groups: np.ndarray) -> Optional[List[float]]:
    """Wilson's interval of a share where the cases of one group (the eyes of a patient) are not independent.

    The cases count as many as independent ones would that had the variance of drawing whole groups (Rao and Scott, Biometrics 48
    (1992) 577-585), and never for more than they are. Where all cases agree nothing tells how much the members of a group have
    in common: they count as if it were all.
    """
    n = len(success)
    if n == 0:
        return None
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    sizes = np.bincount(numbers).astype(float)
    value, count = float(np.mean(success)), len(sizes)
    effect = float(np.sum(sizes ** 2)) / n
    if count > 1 and 0 < value < 1:
        deviations = np.bincount(numbers, np.asarray(success, float)) - value * sizes
        variance = count / (count - 1) * float(np.sum(deviations ** 2)) / n ** 2
        effect = max(1.0, variance * n / (value * (1 - value))) if count < n else 1.0
    m = n / effect
    centre = (value + Z ** 2 / (2 * m)) / (1 + Z ** 2 / m)
    half = Z / (1 + Z ** 2 / m) * float(np.sqrt(value * (1 - value) / m + Z ** 2 / (4 * m ** 2)))
    return [0.0 if value == 0 else max(0.0, centre - half), 1.0 if value == 1 else min(1.0, centre + half)]


def share(success: np.ndarray, groups: np.ndarray) -> Dict[str, Any]:
    """A share with its intervals, that of dependent cases among them."""
    return {**proportion(np.count_nonzero(success), len(success)), "clustered95": clustered_interval(success, groups)}


def _kappa(truth: np.ndarray, predicted: np.ndarray, labels: Sequence[int], weights: Optional[str], flags: List[str]) -> Optional[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = float(sklearn.metrics.cohen_kappa_score(truth, predicted, labels=labels, weights=weights))
    if np.isfinite(value):
        return value
    flag = "kappa undefined: all cases and all results in one class"
    if flag not in flags:
        flags.append(flag)
    return 1.0 if np.array_equal(truth, predicted) else None


def classification(truth: np.ndarray, predicted: np.ndarray, names: Sequence[str],
                   groups: Optional[np.ndarray] = None) -> Dict[str, Any]:
    """Confusion matrix, accuracy, per-class figures and kappas of class numbers. groups: what tells dependent cases; None: there are none."""
    groups = np.arange(len(truth)) if groups is None else groups
    labels = list(range(len(names)))
    flags: List[str] = []
    confusion = sklearn.metrics.confusion_matrix(truth, predicted, labels=labels)
    for index, name in enumerate(names):
        if not confusion[:, index].any():
            flags.append(f"precision of {name}: no case was called so")
        if not confusion[index].any():
            flags.append(f"recall of {name}: there is no such case")
    options = {"labels": labels, "zero_division": 0}
    per_class = sklearn.metrics.precision_recall_fscore_support(truth, predicted, **options)
    figures: Dict[str, Any] = {
        "confusion_rows_true": confusion.tolist(),
        "accuracy": share(truth == predicted, groups),
        "per_class": [{"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
                      for name, p, r, f, s in zip(names, *per_class)],
    }
    for average in ("macro", "weighted"):
        precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(truth, predicted, average=average, **options)
        figures[average] = {"precision": float(precision), "recall": float(recall), "f1": float(f1)}
    figures["balanced_accuracy"] = figures["macro"]["recall"]
    figures["kappa"] = _kappa(truth, predicted, labels, None, flags)
    figures["kappa_quadratic"] = _kappa(truth, predicted, labels, "quadratic", flags)
    figures["kappa_linear"] = _kappa(truth, predicted, labels, "linear", flags)
    figures["flags"] = flags
    return figures


def binary_classification(truth: np.ndarray, predicted: np.ndarray, names: Sequence[str],
                          groups: Optional[np.ndarray] = None) -> Dict[str, Any]:
    """The same for two classes, with sensitivity, specificity and predictive values. Class 1 is the positive one."""
    groups = np.arange(len(truth)) if groups is None else groups
    figures = classification(truth, predicted, names, groups)
    flags = figures.pop("flags")
    right = truth == predicted
    for name, among in (("sensitivity", truth == 1), ("specificity", truth == 0), ("ppv", predicted == 1), ("npv", predicted == 0)):
        figures[name] = share(right[among], groups[among])
    figures["youden"] = figures["sensitivity"]["value"] + figures["specificity"]["value"] - 1
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        if figures[name]["n"] == 0:
            flags.append(f"{name}: nothing to count")
    figures["flags"] = flags
    return figures


def auc_with_interval(score: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> Dict[str, Any]:
    """Area under the ROC curve with DeLong's interval, cut to [0, 1].

    Cases of one group (the two eyes of a patient) are not independent: the variance is that of Obuchowski, Biometrics 53
    (1997) 567-578, which is DeLong's where every case is a group of its own. With fewer than two groups of a class, or without any
    overlap of the classes, the method gives no interval.
    """
    positive = np.asarray(positive, bool)
    sick, well = int(positive.sum()), int((~positive).sum())
    result: Dict[str, Any] = {"value": None, "delong95": None, "groups": 0, "flags": []}
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    result["groups"] = int(numbers.max() + 1) if len(numbers) else 0
    if not sick or not well:
        result["flags"].append("AUC undefined: only one class")
        return result
    area = float(sklearn.metrics.roc_auc_score(positive, score))
    result["value"] = area
    ranks = scipy.stats.rankdata(score)
    # Share of the other class on the right side of each case.
    part = np.empty(len(score))
    part[positive] = (ranks[positive] - scipy.stats.rankdata(score[positive])) / well
    part[~positive] = 1 - (ranks[~positive] - scipy.stats.rankdata(score[~positive])) / sick
    spread = part - area
    sums = np.stack([np.bincount(numbers, np.where(positive, spread, 0.0)), np.bincount(numbers, np.where(positive, 0.0, spread))])
    with_sick, with_well = len(set(numbers[positive])), len(set(numbers[~positive]))
    if with_sick < 2 or with_well < 2:
        result["flags"].append("no interval: fewer than two independent cases of a class")
        return result
    both = len(sums[0])
    variance = (with_sick / (with_sick - 1) * np.sum(sums[0] ** 2) / sick ** 2
                + with_well / (with_well - 1) * np.sum(sums[1] ** 2) / well ** 2
                + 2 * both / (both - 1) * np.sum(sums[0] * sums[1]) / (sick * well))
    if variance <= 0:
        result["flags"].append("no interval: the classes do not overlap")
        return result
    half = Z * float(np.sqrt(variance))
    result["delong95"] = [max(0.0, area - half), min(1.0, area + half)]
    return result


@dataclasses.dataclass(frozen=True)
class _Rates:
    """What each threshold gives: every score that occurs, and one that none reaches."""

    threshold: np.ndarray
    true_positives: np.ndarray
    true_negatives: np.ndarray
    sick: int
    well: int

    @property
    def sensitivity(self) -> np.ndarray:
        return self.true_positives / self.sick

    @property
    def specificity(self) -> np.ndarray:
        return self.true_negatives / self.well


def _rates(score: np.ndarray, positive: np.ndarray) -> Optional[_Rates]:
    """None where one of the classes has no case."""
    sick, well = np.sort(score[positive]), np.sort(score[~positive])
    if not len(sick) or not len(well):
        return None
    thresholds = np.append(np.unique(score), np.inf)
    return _Rates(thresholds, len(sick) - np.searchsorted(sick, thresholds), np.searchsorted(well, thresholds), len(sick), len(well))


def operating_points(score: np.ndarray, positive: np.ndarray) -> Optional[Dict[str, Any]]:
    """Thresholds that these cases would choose; a case is positive when its score reaches the threshold."""
    positive = np.asarray(positive, bool)
    rates = _rates(score, positive)
    if rates is None:
        return None
    threshold, sensitivity, specificity = rates.threshold, rates.sensitivity, rates.specificity
    youden = (sensitivity + specificity - 1)[:-1]

    def at(index: int) -> Dict[str, float]:
        return {"threshold": float(threshold[index]), "sens": float(sensitivity[index]), "spec": float(specificity[index])}

    half = score >= 0.5
    high_specificity = np.flatnonzero(specificity[:-1] >= 0.95)
    return {
        # Of equally good ones the highest, which has the higher specificity. Sums that differ by rounding are equal.
        "max_youden": {**at(int(np.flatnonzero(youden >= youden.max() - 1e-15)[-1])), "youden": float(youden.max())},
        "high_sensitivity_0.95": at(int(np.flatnonzero(sensitivity >= 0.95)[-1])),
        "high_specificity_0.95": at(int(high_specificity[0])) if len(high_specificity) else None,
        "half": {"threshold": 0.5, "sens": float(half[positive].mean()), "spec": float((~half)[~positive].mean())},
    }


def trade_offs(score: np.ndarray, positive: np.ndarray) -> Optional[Dict[str, Any]]:
    """The best sensitivity at a demanded specificity, and the reverse, with Wilson intervals."""
    positive = np.asarray(positive, bool)
    rates = _rates(score, positive)
    if rates is None:
        return None
    sensitivity, specificity = rates.sensitivity, rates.specificity
    return {
        "sens_at_spec": [{"spec": least, "sens": proportion(rates.true_positives[specificity >= least].max(), rates.sick)}
                         for least in (0.8, 0.825, 0.9, 0.95)],
        "spec_at_sens": [{"sens": least, "spec": proportion(rates.true_negatives[sensitivity >= least].max(), rates.well)}
                         for least in (0.8, 0.85, 0.9, 0.95)],
    }


def average_precision(score: np.ndarray, positive: np.ndarray) -> Optional[float]:
    """Area under the precision-recall curve as the sum over steps of recall; None without a positive case."""
    return float(sklearn.metrics.average_precision_score(positive, score)) if np.any(positive) else None
