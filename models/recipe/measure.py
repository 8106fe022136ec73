# SPDX-License-Identifier: Apache-2.0
"""Everything that is measured of the best weights, and the summary that other runs are compared with."""
import numpy as np
from fovea_tools import calibration

from . import evaluate, grades, labels, probes, record, rotations, train

REFERABLE_FROM = 2  # lowest grade of referable DR


def _mean(values):
    values = [value for value in values if value is not None]
    return float(np.mean(values)) if values else None


def _question(validation, logits, temperature, first, known, unseen):
    """Thresholds chosen for "class `first` or more", and their figures. validation: photos whose label answers it; known: those of them
    that may choose."""
    score = grades.probability(logits / temperature, first)
    weights = calibration.cell_weights(validation["sources"][known], validation["positive"][known])
    points = calibration.operating_points(score[known], validation["positive"][known], weights)
    figures = evaluate.figures(validation, np.stack([1 - score, score], axis=1), temperature, points)
    figures["mean_auc"] = _mean(figure["auc"] and figure["auc"][0]
                                for source, figure in figures["sources"].items() if source != unseen)
    return figures


def _graded(validation, logits):
    """Photos of a known grade, positive where it is referable, and their logits."""
    here = validation["grades"] != labels.UNKNOWN_GRADE
    side = {key: validation[key][here] for key in ("sources", "grades", "groups")}
    return {**side, "positive": (side["grades"] >= REFERABLE_FROM).astype(np.int32)}, logits[here]


def measure(logits_of, data, validation, unseen=None):
    """{"figures", "blanked", "classical", "referable"} on the validation photos; of a network with the grades for classes also
    {"referable_figures", "grades"}. logits_of: pictures -> logits; unseen: the source that was left out of the training, which then
    helps to choose nothing."""
    logits = logits_of(validation["pixels"])
    known = validation["sources"] != unseen
    graded, of_graded = _graded(validation, logits)
    has_grades = logits.shape[1] == grades.COUNT
    referable_from = REFERABLE_FROM if has_grades else 1
    # Every photo counts alike, so that confidence and accuracy agree over the validation photos as they are.
    known_grades = graded["sources"] != unseen
    temperature = (calibration.fit_temperature(of_graded[known_grades], graded["grades"][known_grades]) if has_grades else
                   calibration.fit_temperature(logits[known], validation["positive"][known])).value
    found = {"figures": _question(validation, logits, temperature, 1, known, unseen), "blanked": probes.blanked(validation, logits_of),
             "classical": probes.classical(rotations.originals(data), validation),
             "referable": train.source_aucs(graded["sources"], graded["positive"], grades.log_odds(of_graded, referable_from))}
    if has_grades:
        found["referable_figures"] = _question(graded, of_graded, temperature, REFERABLE_FROM, known_grades, unseen)
        found["grades"] = evaluate.grade_figures(graded, calibration.softmax(of_graded, temperature))
    return found


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
    return {"sources": sources, "mean_auc": figures["mean_auc"], "kept_epoch": record.kept_epoch(training, history)["epoch"],
            "epochs": len(history),
            "mean_referable_auc": _mean(value for source, value in measured["referable"].items() if source != unseen)}
