# SPDX-License-Identifier: Apache-2.0
"""From the lines of `fovea screen` to what a page shows: photos in words, counts, and what both eyes of a patient say."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

from .. import __version__, two_eyes
from ..evaluation.predictions import Prediction, Setting
from ..terminal import printable
from . import ReportError
from .background import Background
from .people import People, Person
from .pictures import Pictures

CAVEAT = "For research use only. Not a medical device. A result is no diagnosis, and “no signs found” does not mean a healthy eye."
TARGETS = {"any_dr": "any diabetic retinopathy", "referable_dr": "referable diabetic retinopathy",
           "grade5": "diabetic retinopathy of grade 2 or more"}
OUTCOMES = {"signs": "DR signs found", "none": "no DR signs found", "not_gradable": "not gradable", "error": "could not be read"}
EYES = {"right": "right eye", "left": "left eye", "": ""}
NAMED = 10      # patients that a message names


@dataclasses.dataclass(frozen=True)
class Item:
    """A photo as it stands in the results, whose it is, and its pictures."""

    number: int
    prediction: Prediction
    person: Person
    pictures: Pictures = Pictures()

    @property
    def outcome(self) -> str:
        if self.prediction.status == "ok":
            return "signs" if self.prediction.result == "dr_signs_found" else "none"
        return self.prediction.status

    @property
    def is_called(self) -> Optional[bool]:
        return None if self.prediction.status != "ok" else self.outcome == "signs"


def items_of(predictions: Sequence[Prediction], people: People) -> List[Item]:
    """Each file once: the last line counts, as after a run that was taken up again."""
    last = {prediction.file: prediction for prediction in predictions}
    for prediction in last.values():
        if prediction.status == "ok" and not prediction.result:
            raise ReportError(f"{prediction.place}: no result; make the lines with `fovea screen --format jsonl`")
    return [Item(number, prediction, people.of(prediction.path)) for number, prediction in enumerate(last.values(), 1)]


def of_patient(items: Sequence[Item], patient: str) -> List[Item]:
    """The photos of one patient, the right eye first: as the two eyes of a person looked at lie. patient: the name, or, where photos in
    several folders bear it, the end of the folder's path and the name."""
    found = [item for item in items if item.person.patient
             and f"/{item.person.folder}/{item.person.patient}".endswith(f"/{patient}")]
    folders = list(dict.fromkeys(item.person.folder for item in found))
    if len(folders) > 1:
        raise ReportError(f"photos in {len(folders)} folders are of a patient '{patient}', who may be several people: say which with "
                          f"FOLDER/{patient}, or give a table with --patients. There are: {', '.join(folders[:NAMED])}")
    if not found:
        known = list(dict.fromkeys(item.person.patient for item in items if item.person.patient))
        raise ReportError(f"no photo is known to be of a patient '{patient}'. " + (
            f"There are: {', '.join(known[:NAMED])}{f' and {len(known) - NAMED} more' if len(known) > NAMED else ''}" if known
            else "The photos' names tell no patient (as 123_left.jpg does); give a table with --patients"))
    return sorted(found, key=lambda item: ("right", "left", "").index(item.person.eye))


def _decimals(score: float, threshold: float) -> int:
    """As many as it takes to tell a score from its threshold."""
    return next((digits for digits in range(2, 10) if f"{100 * score:.{digits}f}" != f"{100 * threshold:.{digits}f}"), 2)


def _score(prediction: Prediction) -> str:
    setting = prediction.setting
    threshold = 0.5 if setting.threshold is None else setting.threshold
    digits = _decimals(prediction.score, threshold)
    return (f"{100 * prediction.score:.{digits}f} % for DR signs, which are reported from {100 * threshold:.{digits}f} % on"
            + (f" ({setting.point})" if setting.point else "") + _grade(prediction))


def _grade(prediction: Prediction) -> str:
    """What a model of five grades says beside its result, which is about grade 2 or more."""
    if prediction.setting.target != "grade5":
        return ""
    grade = prediction.grade
    signs = {"dr_signs_found": "; signs of any DR found", "no_dr_signs_found": "; no signs of any DR found", "": ""}[prediction.any_dr_result]
    return f"{signs}; grade {grade} ({prediction.setting.classes[grade]})"


def _photo(item: Item) -> Dict[str, Any]:
    prediction = item.prediction
    name = printable(prediction.path.replace("\\", "/").rpartition("/")[2])

    def without_path(text: str) -> str:
        return text.replace(prediction.file, name)

    reason = f": {prediction.shortcomings[0].name.replace('_', ' ')}" if item.outcome == "not_gradable" and prediction.shortcomings else ""
    return {
        "number": item.number, "name": name, "patient": item.person.patient, "eye": EYES[item.person.eye], "outcome": item.outcome,
        "verdict": OUTCOMES[item.outcome] + reason, "error": without_path(prediction.error),
        "score": prediction.score if prediction.status == "ok" else None,
        "score_text": _score(prediction) if prediction.status == "ok" else "",
        "quality": prediction.quality, "typicality": prediction.typicality,
        "shortcomings": [{"what": one.name.replace("_", " "), "value": one.value, "limit": one.limit, "advice": one.advice}
                         for one in prediction.shortcomings],
        "warnings": [without_path(warning) for warning in prediction.warnings], "pictures": item.pictures,
    }


def _patient(items: Sequence[Item]) -> Dict[str, Any]:
    eyes = two_eyes.by_eye(items, lambda item: item.person.eye)
    called = two_eyes.is_called([[item.is_called for item in eye] for eye in eyes])
    outcome = "not_gradable" if called is None else "signs" if called else "none"
    known = {item.person.eye for item in items} - {""}
    return {
        "name": items[0].person.patient, "outcome": outcome, "verdict": OUTCOMES[outcome],
        "why": {"signs": "in at least one photo", "none": "in any photo, and each eye has one that can be graded",
                "not_gradable": "an eye has no photo that can be graded, and no other photo has signs"}[outcome],
        "missing_eye": EYES[({"right", "left"} - known).pop()] if len(known) == 1 and len(known) == len(eyes) else "",
    }


def document(title: str, setting: Setting, items: Sequence[Item], background: Background, is_patient: bool,
             repeated: int) -> Dict[str, Any]:
    """Everything that the page shows. is_patient: the items are one patient's; else it is a batch's."""
    counts = collections.Counter(item.outcome for item in items)
    return {
        "title": title, "caveat": CAVEAT, "tool": f"fovea_tools {__version__}",
        "model": {"name": setting.name or "unnamed", "dtype": setting.dtype or "number type unknown", "sha256": setting.sha256,
                  "views": setting.views},
        "target": TARGETS.get(setting.target, "unknown"),
        "engines": sorted({item.prediction.engine for item in items if item.prediction.engine}),
        "counts": [{"outcome": outcome, "what": what, "count": counts[outcome]} for outcome, what in OUTCOMES.items()],
        "photos": [_photo(item) for item in items],
        "patient": _patient(items) if is_patient else None,
        "background": background, "repeated": repeated,
        "typicality_known": any(item.prediction.typicality for item in items),
    }


def with_pictures(items: Iterable[Item], pictures: Callable[[Prediction], Pictures]) -> List[Item]:
    return [dataclasses.replace(item, pictures=pictures(item.prediction)) for item in items]
