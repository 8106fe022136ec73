# SPDX-License-Identifier: Apache-2.0
"""From predictions and labels to the numbers that a calibration needs. What would make it wrong is refused."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from .calibration import TemperatureFit
from .errors import CalibrationError
from .evaluation.cases import Case, Question, join
from .evaluation.predictions import Prediction, PredictionFile
from .evaluation.problems import Problem
from .evaluation.splits import Split
from .file.fovea_file import OUTPUT_ONE_SIGMOID, OUTPUT_SIGMOIDS, TARGETS, FoveaModel
from .labels import LabelFile

FEWEST = 20  # photos of a class: of fewer, 5 % is less than one photo
PART = "validation"
# What the labels of a target must tell. The engine's result on five grades is about referable DR.
LABEL_TARGETS = {"any_dr": "any", "referable_dr": "referable", "grade5": "referable"}
UNUSABLE = ("no_label", "label_silent", "ambiguous", "same_name", "no_grade")


@dataclasses.dataclass(frozen=True)
class CalibrationSet:
    """One row a photo. logits: one column a class, whatever form the network's outputs have."""

    logits: np.ndarray
    classes: np.ndarray     # the true class
    positive: np.ndarray    # 1 where there are signs
    sources: np.ndarray
    fingerprint: str        # SHA-256 of which photos with which labels these are
    problems: List[Problem]

    def count(self) -> Dict[str, Tuple[int, int]]:
        """{source: (photos, of them positive)}"""
        return {str(name): (int((self.sources == name).sum()), int(self.positive[self.sources == name].sum()))
                for name in np.unique(self.sources)}


def check_model(model: FoveaModel, path: str) -> None:
    target = TARGETS[model.target]
    if target not in LABEL_TARGETS:
        raise CalibrationError(f"{path}: its target is '{target}': no label tells a positive class")
    if model.output_form == OUTPUT_SIGMOIDS:
        raise CalibrationError(f"{path}: its outputs are independent, so that a label of one class gives them no likelihood")
    if target != "grade5" and len(model.labels) != 2:
        raise CalibrationError(f"{path}: target {target} with {len(model.labels)} classes: the labels do not tell which of them is right")


def positive_score(probabilities: np.ndarray, model: FoveaModel) -> np.ndarray:
    """What the engine compares with a threshold."""
    return score_from(probabilities, 2 if TARGETS[model.target] == "grade5" else 1)


def score_from(probabilities: np.ndarray, first: int) -> np.ndarray:
    """The probability of the classes from `first` on."""
    return np.minimum(probabilities[:, first:].sum(axis=1), 1.0)


def check_origin(file: PredictionFile, sha256: str, path: str) -> List[Problem]:
    """Refuses predictions of another model, and a mixture of views. Lines of fovea run do not name their model: that is told."""
    if file.truncated:
        raise CalibrationError(f"{file.truncated}: the photos after it are missing")
    for prediction in file.predictions:
        made_by = prediction.setting.sha256
        if made_by and made_by != sha256:
            raise CalibrationError(
                f"{prediction.place}: this prediction is by another model ({prediction.setting.name or 'unnamed'}, sha256 {made_by[:12]}); "
                f"{path} has sha256 {sha256[:12]}. Screen the photos with the file that is to be calibrated")
        if prediction.setting.views != file.predictions[0].setting.views:
            raise CalibrationError(f"{prediction.place}: this prediction is the mean of {prediction.setting.views} views, others of "
                                   f"{file.predictions[0].setting.views}; screen all photos with the same --views")
    silent = [prediction.file for prediction in file.predictions if not prediction.setting.sha256]
    return [Problem("no_model", "predictions that do not say by which model they were made are believed", silent)] if silent else []


def _logits(prediction: Prediction, model: FoveaModel) -> List[float]:
    """One logit a class."""
    wanted = 1 if model.output_form == OUTPUT_ONE_SIGMOID else len(model.labels)
    if len(prediction.logits) != wanted:
        raise CalibrationError(f"{prediction.place}: {len(prediction.logits)} logits; the model has {wanted}")
    # One sigmoid is a softmax of two classes, the first with logit 0.
    return [0.0, *prediction.logits] if wanted == 1 else list(prediction.logits)


def check_fit(fit: TemperatureFit) -> None:
    """Refuses logits that know nothing of the labels."""
    if fit.at_bound and fit.value > 1:
        raise CalibrationError(f"the logits do not tell the classes apart: no temperature below {fit.value:.3g} fits better. "
                               "Are these the labels of these photos?")


def _fingerprint(cases: Sequence[Case], classes: Sequence[int]) -> str:
    lines = sorted(f"{case.source}\t{case.name}\t{case.prediction.sha256}\t{label}\n" for case, label in zip(cases, classes))
    return hashlib.sha256("".join(lines).encode("utf-8", "backslashreplace")).hexdigest()


def _check_counts(positive: np.ndarray, problems: Sequence[Problem]) -> None:
    sick, well = int(positive.sum()), int((1 - positive).sum())
    left_out = "".join(f"; {problem.line(3)}" for problem in problems)
    if not sick or not well:
        which = "with" if sick else "without"
        raise CalibrationError(f"all {sick + well} photos have one class ({which} signs): both are needed{left_out}")
    if min(sick, well) < FEWEST:
        raise CalibrationError(f"too few photos: {sick} with signs and {well} without; at least {FEWEST} of each are needed{left_out}")


def _with_grade(cases: Sequence[Case], problems: List[Problem]) -> List[Case]:
    silent = [f"{case.source}/{case.name}" for case in cases if case.grade is None]
    if silent:
        problems.append(Problem("no_grade", "photos without a grade from 0 to 4 are left out", silent))
    return [case for case in cases if case.grade is not None]


def gather(model: FoveaModel, file: PredictionFile, labels: Sequence[Tuple[str, LabelFile]], split: Optional[Split],
           skip_unlabelled: bool) -> CalibrationSet:
    """The gradable photos with a label; with a split only those of its validation side."""
    target = TARGETS[model.target]
    joined = join(file.predictions, labels, Question(LABEL_TARGETS[target]), split)
    cases = [case for case in joined.cases if case.gradable and (split is None or case.part == PART)]
    problems = list(joined.problems)
    rejected = [case.prediction.file for case in joined.cases if not case.gradable]
    if rejected:
        problems.append(Problem("not_gradable", "photos that are not gradable are left out", rejected))
    if target == "grade5":
        cases = _with_grade(cases, problems)
    unusable = [problem for problem in problems if problem.kind in UNUSABLE]
    if unusable and not skip_unlabelled:
        raise CalibrationError("; ".join(problem.line(3) for problem in unusable) + ". --skip-unlabelled goes on without them")
    if not cases:
        raise CalibrationError("no photo is left: " + "; ".join(problem.line(3) for problem in problems))
    # The order of the lines must not reach the last digits of sums.
    cases.sort(key=lambda case: (case.source, case.name))
    positive = np.array([int(case.positive) for case in cases])
    classes = np.array([case.grade for case in cases]) if target == "grade5" else positive
    _check_counts(positive, problems)
    logits = np.array([_logits(case.prediction, model) for case in cases], np.float64)
    sources = np.array([case.source for case in cases])
    return CalibrationSet(logits, classes, positive, sources, _fingerprint(cases, classes.tolist()), problems)
