# SPDX-License-Identifier: Apache-2.0
"""All figures of one group of cases, in both ways of counting photos that cannot be graded."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from . import EvaluationError, metrics, reliability
from .cases import Case
from .predictions import Prediction, Setting, positive_score

FIRST_GRADE = {"any": 1, "referable": 2}
MODEL_TARGETS = {"any_dr": "any", "referable_dr": "referable", "grade5": "any"}
GRADE_NAMES = ("no DR", "mild", "moderate", "severe", "proliferative")
BAR = {"sensitivity": 0.85, "specificity": 0.825}   # what the FDA set beforehand for the first autonomous system
ROUNDING = 1e-6     # the program decides on float32, the file holds about eight digits


@dataclasses.dataclass(frozen=True)
class Rule:
    """How a photo is called positive or negative."""

    target: str                     # "any" or "referable", of the labels
    setting: Setting
    threshold: Optional[float]      # None: no threshold fits, the likelier class decides
    overridden: bool                # the threshold was given by the user, not by the model

    @property
    def first(self) -> int:
        """The first class that counts as positive."""
        return FIRST_GRADE[self.target] if len(self.setting.classes) == 5 else 1

    def describe(self) -> str:
        if self.threshold is None:
            return "the likelier class"
        name = "given" if self.overridden else self.setting.point or "default"
        return f"threshold {self.threshold:g} ({name})"

    def score(self, prediction: Prediction) -> float:
        """Probability of the positive classes of the labels."""
        return positive_score(prediction.probabilities, self.first)

    def calls(self, prediction: Prediction) -> bool:
        """Whether the photo is positive. The program's own verdict stands unless another threshold was asked for."""
        if self.threshold is None:
            return self.likelier(prediction)
        verdict = self._verdict(prediction)
        if verdict and not self.overridden:
            return verdict == "dr_signs_found"
        return self.score(prediction) >= self.threshold

    def likelier(self, prediction: Prediction) -> bool:
        return int(np.argmax(prediction.probabilities)) >= self.first

    def disagrees(self, prediction: Prediction) -> bool:
        """Whether the program's verdict is not what its threshold says."""
        verdict = self._verdict(prediction)
        if self.threshold is None or self.overridden or not verdict:
            return False
        distance = self.score(prediction) - self.threshold
        return abs(distance) > ROUNDING and (distance > 0) != (verdict == "dr_signs_found")

    def _verdict(self, prediction: Prediction) -> str:
        """What the program said to the question of the labels, if it did."""
        return prediction.any_dr_result if len(self.setting.classes) == 5 and self.target == "any" else prediction.result


def make_rule(setting: Setting, target: Optional[str], threshold: Optional[float]) -> Rule:
    """The rule for photos by this model; target None: the model's own."""
    count = len(setting.classes)
    if not count:
        raise EvaluationError("the predictions do not name the classes; make them with `fovea screen --format jsonl`")
    if count not in (2, 5):
        raise EvaluationError(f"{setting}: {count} classes; fovea-evaluate knows two (negative, positive) and five (the grades)")
    if target is None and setting.target == "other":
        raise EvaluationError(f"{setting}: the model does not say what it looks for; give --target")
    if (count == 5) != (setting.target == "grade5"):
        raise EvaluationError(f"{setting}: target {setting.target} with {count} classes")
    chosen = target or MODEL_TARGETS[setting.target]
    if threshold is not None:
        return Rule(chosen, setting, threshold, True)
    if count == 5 and chosen == "any":
        return Rule(chosen, setting, setting.any_dr_threshold, False)
    return Rule(chosen, setting, 0.5 if setting.threshold is None else setting.threshold, False)


def _meets_bar(figures: Dict[str, Any]) -> Dict[str, Any]:
    """Whether the lower ends of the intervals reach the bar: stricter than the point estimates that the FDA asked for."""
    lower = {name: (figures[name]["clustered95"] or [None])[0] for name in BAR}
    return {"bar": dict(BAR), "lower_bounds": lower, "met": all(lower[name] is not None and lower[name] >= BAR[name] for name in BAR)}


def _decisions(truth: np.ndarray, called: Dict[str, np.ndarray], names: Sequence[str], groups: np.ndarray) -> Dict[str, Any]:
    figures = {name: metrics.binary_classification(truth, values.astype(int), names, groups) for name, values in called.items()}
    figures["at_threshold"]["bar"] = _meets_bar(figures["at_threshold"])
    return figures


def _by_grade(cases: Sequence[Case], called: np.ndarray) -> List[Dict[str, Any]]:
    """How many of each true grade were called positive; photos that could not be graded apart."""
    rows, groups = [], _groups(cases)
    for grade, name in enumerate(GRADE_NAMES):
        here = np.array([case.grade == grade for case in cases], bool)
        gradable = np.array([case.gradable for case in cases], bool)
        if here.any():
            seen = here & gradable
            rows.append({"grade": grade, "name": name, "cases": int(here.sum()), "gradable": int(seen.sum()),
                         "called_positive": metrics.share(called[seen], groups[seen])})
    return rows


def _groups(cases: Sequence[Case]) -> np.ndarray:
    """What tells dependent cases; the same patient number in two sources is two patients."""
    return np.array([f"{case.source}/{case.group}" for case in cases], dtype=object)


def _five_grades(cases: Sequence[Case], rule: Rule) -> Optional[Dict[str, Any]]:
    """The figures of the grades themselves, where model and labels have them."""
    cases = [case for case in cases if case.grade is not None]
    if len(rule.setting.classes) != 5 or not cases:
        return None
    truth = np.array([case.grade for case in cases])
    probabilities = np.array([case.prediction.probabilities for case in cases])
    figures = metrics.classification(truth, np.array([case.prediction.grade for case in cases]), rule.setting.classes, _groups(cases))
    figures["roc_auc_ovr_per_class"], figures["average_precision_per_class"] = [], []
    for grade in range(5):
        here = truth == grade
        area = metrics.auc_with_interval(probabilities[:, grade], here, _groups(cases))
        figures["roc_auc_ovr_per_class"].append(area["value"])
        figures["average_precision_per_class"].append(metrics.average_precision(probabilities[:, grade], here))
    areas = figures["roc_auc_ovr_per_class"]
    figures["roc_auc_ovr_macro"] = float(np.mean(areas)) if None not in areas else None
    figures["calibration"] = reliability.reliability(probabilities, _logits(cases), truth, rule.setting.temperature)
    return figures


def _logits(cases: Sequence[Case]) -> Optional[np.ndarray]:
    """The logits where there is one for each class."""
    rows = [case.prediction.logits for case in cases]
    return np.array(rows) if rows and all(len(row) == len(case.prediction.probabilities) for row, case in zip(rows, cases)) else None


def confidence(prediction: Prediction) -> float:
    """As the thesis shows it: the probability of the likelier class."""
    return max(prediction.probabilities)


def _confidences(cases: Sequence[Case], called: np.ndarray, truth: np.ndarray) -> Dict[str, Any]:
    """Median and quartiles of the confidence, apart for right and wrong answers."""
    values = np.array([confidence(case.prediction) for case in cases])
    result = {}
    for name, here in (("right", called == truth), ("wrong", called != truth)):
        quartiles = np.percentile(values[here], [25, 50, 75]) if here.any() else None
        result[name] = {"cases": int(here.sum()), "quartiles": [float(q) for q in quartiles] if quartiles is not None else None}
    return result


def group_figures(cases: Sequence[Case], rule: Rule) -> Dict[str, Any]:
    """The figures of one source, or of all pooled."""
    truth = np.array([case.positive for case in cases], int)
    gradable = np.array([case.gradable for case in cases], bool)
    graded = [case for case in cases if case.gradable]
    score = np.full(len(cases), np.inf)     # what cannot be graded is referred: above all others
    score[gradable] = [rule.score(case.prediction) for case in graded]
    called = {name: np.ones(len(cases), bool) for name in ("at_threshold", "likelier_class")}
    called["at_threshold"][gradable] = [rule.calls(case.prediction) for case in graded]
    called["likelier_class"][gradable] = [rule.likelier(case.prediction) for case in graded]
    names = rule.setting.classes if len(rule.setting.classes) == 2 else ("negative", "positive")
    groups = _groups(cases)
    reasons = collections.Counter(check for case in cases if not case.gradable for check in case.prediction.failed_checks)

    figures: Dict[str, Any] = {
        "cases": len(cases), "positive": int(truth.sum()), "negative": int((1 - truth).sum()), "groups": len(set(groups)),
        "imageability": metrics.share(gradable, groups),
        "not_gradable_reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "gradable_only": None,
        "intention_to_screen": {**_decisions(truth, called, names, groups),
                                "roc_auc": metrics.auc_with_interval(_finite(score), truth, groups),
                                "average_precision": metrics.average_precision(_finite(score), truth)},
        "by_grade": _by_grade(cases, called["at_threshold"]),
    }
    if graded:
        true, seen = truth[gradable], score[gradable]
        probabilities = np.array([case.prediction.probabilities for case in graded])
        two = probabilities if probabilities.shape[1] == 2 else np.stack([1 - seen, seen], axis=1)
        figures["gradable_only"] = {
            "cases": len(graded), "positive": int(true.sum()), "negative": int((1 - true).sum()),
            **_decisions(true, {name: values[gradable] for name, values in called.items()}, names, groups[gradable]),
            "roc_auc": metrics.auc_with_interval(seen, true, groups[gradable]),
            "average_precision": metrics.average_precision(seen, true),
            "average_precision_of_class0": metrics.average_precision(two[:, 0], 1 - true),
            "calibration": reliability.reliability(two, _logits(graded) if probabilities.shape[1] == 2 else None, true,
                                                   rule.setting.temperature),
            "operating_points": metrics.operating_points(seen, true),
            "trade_offs": metrics.trade_offs(seen, true),
            "confidence": _confidences(graded, called["at_threshold"][gradable], true.astype(bool)),
            "grades": _five_grades(graded, rule),
        }
    return figures


def _finite(score: np.ndarray) -> np.ndarray:
    """Ranks kept, infinity replaced: probabilities end at 1."""
    return np.where(np.isinf(score), 2.0, score)
