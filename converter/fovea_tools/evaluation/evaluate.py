# SPDX-License-Identifier: Apache-2.0
"""From cases to the document that is written as JSON and shown as a page: figures by side of the split and by source."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from .. import __version__
from ..labels import LabelFile
from .cases import Case, Joined, Question
from .figures import GRADE_NAMES, Rule, confidence, group_figures
from .predictions import Prediction, PredictionFile
from .problems import Problem
from .splits import PARTS, Split

FORMAT = "fovea-evaluate 1"
CAVEAT = "Research software, not a medical device. The figures hold for these photos and labels only."


def prediction_problems(file: PredictionFile, predictions: Sequence[Prediction], rule: Rule) -> List[Problem]:
    """What the predictions themselves show."""
    problems = [Problem("truncated", "the last line of the predictions was cut off", [file.truncated])] if file.truncated else []
    engines = sorted({prediction.engine for prediction in predictions if prediction.engine})
    if len(engines) > 1:
        problems.append(Problem("engines", "photos were screened by several engines", engines))
    odd = [prediction.file for prediction in predictions if prediction.status == "ok" and rule.disagrees(prediction)]
    if odd:
        problems.append(Problem("verdict", "photos whose verdict is not what score and threshold say; the verdict counts", odd))
    return problems


def _parts(cases: Sequence[Case]) -> List[str]:
    present = {case.part for case in cases}
    return [part for part in ("", *PARTS) if part in present]


def _mean_of_sources(sources: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Plain means over the sources, so that a big source does not drown a small one."""
    graded = [source["gradable_only"] for source in sources if source["gradable_only"]]
    areas = [figures["roc_auc"]["value"] for figures in graded]
    means: Dict[str, Any] = {"roc_auc": float(np.mean(areas)) if areas and None not in areas else None}
    for name in ("sensitivity", "specificity"):
        shares = [figures["at_threshold"][name] for figures in graded]
        means[name] = float(np.mean([share["value"] for share in shares])) if shares and all(share["n"] for share in shares) else None
    return means


def part_figures(cases: Sequence[Case], rule: Rule) -> List[Dict[str, Any]]:
    """[{part, sources, pooled, mean_of_sources, patients}] in the order train, validation, test."""
    parts = []
    for part in _parts(cases):
        here = [case for case in cases if case.part == part]
        names = list(dict.fromkeys(case.source for case in here))
        sources = [{"source": name, **group_figures([case for case in here if case.source == name], rule)} for name in names]
        several = len(sources) > 1
        parts.append({"part": part or "all", "sources": sources,
                      "pooled": {"source": "pooled", **group_figures(here, rule)} if several else None,
                      "mean_of_sources": _mean_of_sources(sources) if several else None, "patients": None})
    return parts


def _with_patients(parts: List[Dict[str, Any]], patients: Sequence[Case], rule: Rule) -> List[Dict[str, Any]]:
    """The parts, each with the figures of its patients beside those of its photos."""
    by_patient = {part["part"]: {key: part[key] for key in ("sources", "pooled", "mean_of_sources")}
                  for part in part_figures(patients, rule)}
    return [{**part, "patients": by_patient.get(part["part"])} for part in parts]


def mistakes(cases: Sequence[Case], rule: Rule, most: int) -> List[Dict[str, Any]]:
    """The wrong answers farthest from the threshold, for people to look at."""
    wrong = [case for case in cases if case.gradable and rule.calls(case.prediction) != case.positive]
    wrong.sort(key=lambda case: (-abs(rule.score(case.prediction) - (0.5 if rule.threshold is None else rule.threshold)), case.name))
    return [{"part": case.part or "all", "source": case.source, "file": case.prediction.file, "positive": case.positive,
             "grade": case.grade, "called_positive": not case.positive, "score": rule.score(case.prediction),
             "likelier_class": rule.setting.classes[int(np.argmax(case.prediction.probabilities))],
             "confidence": confidence(case.prediction)} for case in wrong[:most]]


def _meaning(rule: Rule, edema_from: Optional[int]) -> str:
    if rule.target == "any":
        return "any diabetic retinopathy: grade 1 or more"
    return "referable diabetic retinopathy: grade 2 or more" + (
        f", or a risk of macular oedema of {edema_from} or more" if edema_from is not None else "")


@dataclasses.dataclass(frozen=True)
class Inputs:
    predictions: PredictionFile
    labels: Sequence[Tuple[str, LabelFile]]     # by source
    split: Optional[Split]


def document(title: str, inputs: Inputs, rule: Rule, question: Question, joined: Joined, problems: Sequence[Problem],
             cases: Sequence[Case], patients: Sequence[Case], examples: int) -> Dict[str, Any]:
    """Everything, with the order of keys fixed. cases: those of joined, or the patients made of them; patients: those to be shown beside
    the photos, if any."""
    setting = rule.setting
    return {
        "format": FORMAT, "tool": f"fovea_tools {__version__}", "title": title, "caveat": CAVEAT,
        "input": {
            "predictions": inputs.predictions.path, "photos": len(inputs.predictions.predictions),
            "split": inputs.split.path if inputs.split else None,
            "labels": [{"source": source, "file": one.path, "data_set": one.data_set, "photos": len(one.labels)}
                       for source, one in inputs.labels],
        },
        "model": {"name": setting.name, "sha256": setting.sha256, "dtype": setting.dtype, "preset": setting.preset,
                  "target": setting.target, "classes": list(setting.classes), "temperature": setting.temperature,
                  "views": setting.views},
        "target": rule.target, "positive_means": _meaning(rule, question.edema_from),
        "target_differs": setting.target in ("any_dr", "referable_dr") and setting.target != f"{rule.target}_dr",
        "decision": {"threshold": rule.threshold, "name": "given" if rule.overridden else setting.point or "default",
                     "by": rule.describe()},
        "unit": "patient" if question.by_patient else "photo", "grade_names": list(GRADE_NAMES),
        "problems": [{"kind": problem.kind, "message": problem.message, "count": len(problem.names), "names": problem.names}
                     for problem in problems],
        "parts": _with_patients(part_figures(cases, rule), patients, rule),
        "quality_agreement": [{"source": source, "rows_label_gradable_not": table} for source, table in joined.agreement.items()],
        "mistakes": mistakes(cases, rule, examples),
    }
