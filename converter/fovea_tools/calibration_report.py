# SPDX-License-Identifier: Apache-2.0
"""What a calibration changed: how well confidence and accuracy agree before and after, and what each threshold does."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import numpy as np

from . import calibration
from .calibration_data import CalibrationSet, positive_score
from .evaluation.metrics import proportion
from .file.fovea_file import FoveaModel
from .terminal import printable

BALANCED = "sources and classes alike"


def _agreement(data: CalibrationSet, temperature: float, rows: np.ndarray, weights: Optional[np.ndarray] = None) -> Dict[str, float]:
    probabilities, classes = calibration.softmax(data.logits[rows], temperature), data.classes[rows]
    return {"nll": calibration.negative_log_likelihood(probabilities, classes, weights),
            "ece15": calibration.expected_calibration_error(probabilities, classes, weights)}


def _rates(score: np.ndarray, positive: np.ndarray, threshold: float) -> Dict[str, Any]:
    found = score >= threshold
    return {"sensitivity": proportion((found & (positive == 1)).sum(), (positive == 1).sum()),
            "specificity": proportion((~found & (positive == 0)).sum(), (positive == 0).sum())}


def figures(model: FoveaModel, data: CalibrationSet, fit: calibration.TemperatureFit, points: Dict[str, float], default: str,
            weights: Optional[np.ndarray]) -> Dict[str, Any]:
    """The report. weights: those of the fit; None: every photo counted alike."""
    everyone = np.ones(len(data.classes), bool)
    groups = {name: (data.sources == name, None) for name in data.count()}
    if len(groups) > 1:
        groups["pooled"] = (everyone, None)
    groups[BALANCED] = (everyone, calibration.cell_weights(data.sources, data.positive))
    score = positive_score(calibration.softmax(data.logits, fit.value), model)
    return {
        "photos": {"used": len(data.classes), "positive": int(data.positive.sum()), "sha256": data.fingerprint,
                   "sources": {name: {"photos": count, "positive": sick} for name, (count, sick) in data.count().items()}},
        "weights": "photos alike" if weights is None else BALANCED,
        "temperature": {"before": model.temperature, "after": fit.value, "at_bound": fit.at_bound},
        "agreement": {name: {"before": _agreement(data, model.temperature, rows, share), "after": _agreement(data, fit.value, rows, share)}
                      for name, (rows, share) in groups.items()},
        "operating_points": [
            {"name": name, "threshold": threshold, "default": name == default,
             **{group: _rates(score[rows], data.positive[rows], threshold) for group, (rows, share) in groups.items() if share is None}}
            for name, threshold in points.items()],
        "problems": [{"kind": problem.kind, "message": problem.message, "count": len(problem.names), "names": problem.names}
                     for problem in data.problems],
    }


def _share(value: Dict[str, Any]) -> str:
    if not value["n"]:
        return "-"
    low, high = value["wilson95"]
    return f"{value['value']:.3f} ({low:.3f} to {high:.3f})"


def text(report: Dict[str, Any]) -> str:
    """The report for people."""
    photos, temperature = report["photos"], report["temperature"]
    sources = ", ".join(f"{name} {count['photos']} ({count['positive']})" for name, count in photos["sources"].items())
    width = max(len(name) for name in report["agreement"]) + 2
    lines = [f"{photos['used']} photos, {photos['positive']} positive: {sources}",
             f"temperature {temperature['before']:.4f} -> {temperature['after']:.4f} ({report['weights']})", "",
             f"{'':{width}}{'NLL before':>12}{'after':>8}{'ECE before':>13}{'after':>8}"]
    for name, both in report["agreement"].items():
        before, after = both["before"], both["after"]
        lines.append(f"{name:{width}}{before['nll']:12.4f}{after['nll']:8.4f}{before['ece15']:13.4f}{after['ece15']:8.4f}")
    counted = [name for name in report["agreement"] if name != BALANCED]
    for point in report["operating_points"]:
        lines += ["", f"{printable(point['name'])}: threshold {point['threshold']:.6f}{' (default)' if point['default'] else ''}"]
        for name in counted:
            rates = point[name]
            lines.append(f"  {name:{width}}sensitivity {_share(rates['sensitivity'])}, specificity {_share(rates['specificity'])}")
    for point in report.get("any_dr_operating_points", []):
        lines += ["", f"{printable(point['name'])}, any DR: threshold {point['threshold']:.6f}"]
    return "\n".join(lines) + "\n"


def warnings(report: Dict[str, Any]) -> List[str]:
    """What somebody should know before using the file."""
    told = [f"{problem['message']} ({problem['count']}): {', '.join(problem['names'][:3])}{', ...' if problem['count'] > 3 else ''}"
            for problem in report["problems"]]
    if report["temperature"]["at_bound"]:
        told.append("the photos are told apart without a mistake: the temperature is the lowest that is tried, and more photos are needed")
    return told
