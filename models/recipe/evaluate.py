# SPDX-License-Identifier: Apache-2.0
"""Validation figures of a trained detector, photo source by photo source; scikit-learn and SciPy do the statistics."""
import numpy as np
import scipy.stats
from fovea_tools import calibration
from sklearn.metrics import roc_auc_score

BOOTSTRAP_ROUNDS = 2000


def wilson(successes, total):
    """[share, low, high]: a 95 % Wilson interval; None where there is nothing to count."""
    if total == 0:
        return None
    interval = scipy.stats.binomtest(int(successes), int(total)).proportion_ci(0.95, method="wilson")
    return [successes / total, float(interval.low), float(interval.high)]


def auc_with_interval(score, positive, groups, seed=0):
    """[AUC, low, high]: percentile bootstrap over groups, since photos of one patient are not independent."""
    if len(set(positive)) < 2:
        return None
    random = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    values = []
    for _ in range(BOOTSTRAP_ROUNDS):
        rows = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        if 0 < positive[rows].sum() < len(rows):
            values.append(roc_auc_score(positive[rows], score[rows]))
    low, high = np.percentile(values, [2.5, 97.5])
    return [float(roc_auc_score(positive, score)), float(low), float(high)]


def at_threshold(score, positive, threshold):
    """Counts, and shares with Wilson intervals, of one group of photos at one threshold."""
    found = score >= threshold
    sick, well = positive == 1, positive == 0
    return {
        "sensitivity": wilson((found & sick).sum(), sick.sum()),
        "specificity": wilson((~found & well).sum(), well.sum()),
        "accuracy": wilson((found == sick).sum(), len(score)),
        "true_positive": int((found & sick).sum()), "false_negative": int((~found & sick).sum()),
        "true_negative": int((~found & well).sum()), "false_positive": int((found & well).sum()),
    }


def figures(validation, logits, temperature, points):
    """All validation figures, per source and for the mean of the sources' AUCs."""
    score = calibration.softmax(logits, temperature)[:, 1]
    sources = {}
    for name in np.unique(validation["sources"]):
        here = validation["sources"] == name
        positive = validation["positive"][here]
        sources[str(name)] = {
            "photos": int(here.sum()), "positive": int(positive.sum()),
            "auc": auc_with_interval(score[here], positive, validation["groups"][here]),
            "operating_points": {point: at_threshold(score[here], positive, threshold)
                                 for point, threshold in points.items()},
        }
    aucs = [figure["auc"][0] for figure in sources.values() if figure["auc"]]
    probabilities = calibration.softmax(logits, temperature)
    return {"temperature": temperature, "thresholds": points, "sources": sources, "mean_auc": float(np.mean(aucs)),
            "calibration_error": calibration.expected_calibration_error(probabilities, validation["positive"])}
