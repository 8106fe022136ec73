# SPDX-License-Identifier: Apache-2.0
"""Validation figures of a trained detector, photo source by photo source, by the arithmetic of fovea-evaluate."""
import numpy as np
from fovea_tools import calibration
from fovea_tools.evaluation import metrics

CLASSES = ("negative", "positive")


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


def figures(validation, logits, temperature, points):
    """All validation figures, per source and for the mean of the sources' AUCs."""
    probabilities = calibration.softmax(logits, temperature)
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
