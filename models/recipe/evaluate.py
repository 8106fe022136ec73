# SPDX-License-Identifier: Apache-2.0
"""Validation figures of a trained detector, photo source by photo source, by the arithmetic of fovea-evaluate."""
import numpy as np
from fovea_tools import calibration
from fovea_tools.evaluation import metrics

CLASSES = ("negative", "positive")
GRADE_NAMES = ("0", "1", "2", "3", "4")
RESAMPLES = 1000


def sources_with_both_classes(sources, positive):
    """[(name, rows as a mask)] of the sources for which an AUC means something."""
    sources, positive = np.asarray(sources), np.asarray(positive)
    masks = [(str(name), sources == name) for name in np.unique(sources)]
    return [(name, here) for name, here in masks if len(set(positive[here])) == 2]


def _share(found):
    """[share, low, high] with the Wilson interval; None where there is nothing to count."""
    return None if found["wilson95"] is None else [found["value"], *found["wilson95"]]


def _area(score, positive, groups):
    """[AUC, low, high]; the AUC alone where the classes do not overlap; None with one class. Photos of a group are not independent."""
    found = metrics.auc_with_interval(score, positive, groups)
    return None if found["value"] is None else [found["value"], *(found["delong95"] or [])]


def at_threshold(score, positive, threshold):
    """Counts, and shares with Wilson intervals, of one group of photos at one threshold."""
    found = metrics.binary_classification(positive, (score >= threshold).astype(int), CLASSES)
    (true_negative, false_positive), (false_negative, true_positive) = found["confusion_rows_true"]
    return {**{name: _share(found[name]) for name in ("sensitivity", "specificity", "accuracy")},
            "true_positive": true_positive, "false_negative": false_negative,
            "true_negative": true_negative, "false_positive": false_positive}


def called_grades(probabilities):
    """(N,) what the engine calls the grade: the highest k for which grades k to 4 have half of the probability or more."""
    return (np.cumsum(probabilities[:, :0:-1], axis=1) >= 0.5).sum(axis=1)


def kappas(sources, true, logits):
    """{source: quadratic kappa of the grade}, photos of unknown grade left out."""
    graded, called = true >= 0, called_grades(calibration.softmax(logits))
    return {str(name): float(quadratic_kappa(true[here], called[here]))
            for name in np.unique(sources) for here in [graded & (sources == name)] if here.any()}


def grade_figures(validation, probabilities):
    """{source: what fovea-evaluate tells of the grade}: confusion, accuracy, kappa with its interval over groups of photos."""
    found, true = {}, validation["grades"]
    for name in np.unique(validation["sources"]):
        here = (validation["sources"] == name) & (true >= 0)
        called, groups = called_grades(probabilities[here]), validation["groups"][here]
        told = metrics.classification(true[here], called, GRADE_NAMES, groups)
        found[str(name)] = {"photos": int(here.sum()), "kappa": [told["kappa_quadratic"], *_kappa_interval(true[here], called, groups)],
                            "accuracy": _share(told["accuracy"]), "confusion_rows_true": told["confusion_rows_true"]}
    return found


def _kappa_interval(true, called, groups):
    """[low, high] of the quadratic kappa: a bootstrap that draws whole groups."""
    numbers = np.unique(groups, return_inverse=True)[1]
    members = [np.flatnonzero(numbers == number) for number in range(numbers.max() + 1)]
    draw = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[i] for i in draw.integers(0, len(members), len(members))])
        drawn.append(quadratic_kappa(true[rows], called[rows]))
    return [float(value) for value in np.nanpercentile(drawn, [2.5, 97.5])]


def quadratic_kappa(true, called):
    """Cohen's kappa with quadratic weights, NaN where chance alone agrees: as metrics.classification tells it, but quick enough to be
    drawn a thousand times."""
    levels = np.arange(len(GRADE_NAMES))
    expected = np.bincount(true, minlength=len(levels)) @ ((levels[:, None] - levels) ** 2) @ np.bincount(called, minlength=len(levels)) / len(true) ** 2
    return 1 - np.mean((true - called) ** 2) / expected if expected else np.nan


def figures(validation, probabilities, temperature, points):
    """All validation figures, per source and for the mean of the sources' AUCs. probabilities: (N, 2), calibrated."""
    score = probabilities[:, 1]
    sources = {}
    for name in np.unique(validation["sources"]):
        here = validation["sources"] == name
        positive = validation["positive"][here]
        sources[str(name)] = {
            "photos": int(here.sum()), "positive": int(positive.sum()),
            "auc": _area(score[here], positive, validation["groups"][here]),
            "calibration_error": calibration.expected_calibration_error(probabilities[here], positive),
            "operating_points": {point: at_threshold(score[here], positive, threshold)
                                 for point, threshold in points.items()},
        }
    aucs = [figure["auc"][0] for figure in sources.values() if figure["auc"]]
    return {"temperature": temperature, "thresholds": points, "sources": sources, "mean_auc": float(np.mean(aucs)),
            "calibration_error": calibration.expected_calibration_error(probabilities, validation["positive"])}
