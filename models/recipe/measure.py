# SPDX-License-Identifier: Apache-2.0
"""Everything that is measured of the best weights, and the summary that other runs are compared with."""
import numpy as np
from fovea_tools import calibration

from . import evaluate, labels, probes, record, rotations, train

REFERABLE_FROM = 2  # lowest grade of referable DR


def _mean(values):
    values = [value for value in values if value is not None]
    return float(np.mean(values)) if values else None


def measure(logits_of, data, validation, unseen=None):
    """{"figures", "blanked", "classical", "referable"} on the validation photos. logits_of: pictures -> logits; unseen: the source
    that was left out of the training, which then helps to choose nothing."""
    logits = logits_of(validation["pixels"])
    known = validation["sources"] != unseen
    graded = validation["grades"] != labels.UNKNOWN_GRADE
    weights = calibration.cell_weights(validation["sources"][known], validation["positive"][known])
    # Every photo counts alike, so that confidence and accuracy agree over the validation photos as they are.
    temperature = calibration.fit_temperature(logits[known], validation["positive"][known]).value
    score = calibration.softmax(logits, temperature)[:, 1]
    points = calibration.operating_points(score[known], validation["positive"][known], weights)
    figures = evaluate.figures(validation, logits, temperature, points)
    figures["mean_auc"] = _mean(figure["auc"] and figure["auc"][0]
                                for source, figure in figures["sources"].items() if source != unseen)
    return {"figures": figures, "blanked": probes.blanked(validation, logits_of),
            "classical": probes.classical(rotations.originals(data), validation),
            "referable": train.source_aucs(validation["sources"][graded], validation["grades"][graded] >= REFERABLE_FROM, score[graded])}


def summary(training, measured, history, unseen=None):
    """What figures.json says of a run. training: the settings' table."""
    figures, blanked = measured["figures"], measured["blanked"]
    sources = {}
    for source, figure in figures["sources"].items():
        sources[source] = {
            "photos": figure["photos"], "positive": figure["positive"], "auc": figure["auc"],
            "referable_auc": measured["referable"].get(source),
            "corners_masked": blanked["corners masked"].get(source),
            "rim_only_auc": blanked["rim only"].get(source, {}).get("auc"),
            "unseen": source == unseen}
    return {"sources": sources, "mean_auc": figures["mean_auc"], "kept_epoch": int(record.kept_epoch(training, history)["epoch"]),
            "epochs": len(history),
            "mean_referable_auc": _mean(value for source, value in measured["referable"].items() if source != unseen)}
