# SPDX-License-Identifier: Apache-2.0
"""One case a patient, made of the photos of both eyes."""

from __future__ import annotations

import dataclasses
from typing import Dict, List, Optional, Sequence, Tuple

from .. import two_eyes
from .cases import Case, Gap, Joined
from .figures import Rule
from .problems import Problem

Key = Tuple[str, str, str]      # source, part, patient
UNREADABLE = "unreadable"       # stands among the failed checks of a patient for a photo that could not be read


@dataclasses.dataclass
class _Patient:
    photos: List[Case] = dataclasses.field(default_factory=list)
    gaps: List[Gap] = dataclasses.field(default_factory=list)

    def eyes(self) -> List[List[Case]]:
        return two_eyes.by_eye(self.photos, lambda photo: photo.eye)

    def lacks(self, has_label: bool) -> bool:
        """Whether of some eye there is nothing but photos with such a gap."""
        seen = {photo.eye for photo in self.photos if photo.eye}
        return any(gap.has_label == has_label and gap.eye not in seen for gap in self.gaps)


def _case(patient: _Patient, rule: Rule) -> Case:
    """Positive when any photo is; called so, or not gradable, as two_eyes has it. The photo with the highest score stands for the patient."""
    def is_called(photo: Case) -> Optional[bool]:
        return rule.calls(photo.prediction) if photo.gradable else None

    eyes = patient.eyes()
    unread = [[None]] if patient.lacks(has_label=True) else []
    gradable = two_eyes.is_called([[is_called(photo) for photo in eye] for eye in eyes] + unread) is not None
    # The highest score of those called positive, else of those that can be graded.
    first = max(patient.photos, key=lambda photo: (is_called(photo) or False, photo.gradable,
                                                   rule.score(photo.prediction) if photo.gradable else 0.0))
    failed = [check for eye in eyes if not any(photo.gradable for photo in eye) for photo in eye for check in photo.prediction.failed_checks]
    failed += [UNREADABLE] if unread else []
    grades = [photo.grade for photo in patient.photos if photo.grade is not None]
    return dataclasses.replace(
        first, name=first.patient, positive=any(photo.positive for photo in patient.photos), gradable=gradable,
        grade=max(grades) if len(grades) == len(patient.photos) else None,
        prediction=first.prediction if gradable else dataclasses.replace(first.prediction, failed_checks=tuple(dict.fromkeys(failed))))


def _problems(patients: Dict[Key, _Patient], left_out: Sequence[Key]) -> List[Problem]:
    names = {key: f"{key[0]}/{key[2]}" for key in patients}
    two_eyes = {key[0] for key, patient in patients.items() if len({photo.eye for photo in patient.photos} - {""}) == 2}
    found = [
        Problem("patient_unknown", "patients with an eye whose label does not tell the target, and no eye that is positive, are left out "
                "of the figures by patient", [names[key] for key in left_out]),
        Problem("eyes_contradict", "eyes with photos whose labels contradict each other: positive by patient",
                [names[key] for key, patient in patients.items()
                 if any(len({photo.positive for photo in eye}) > 1 for eye in patient.eyes())]),
        Problem("eyes_unknown", "patients with several photos and no word which eye they show: by patient each counts as an eye",
                [names[key] for key, patient in patients.items() if len(patient.photos) > 1 and not all(p.eye for p in patient.photos)]),
        Problem("one_eye", "patients of whom one eye only is there, counted by that eye",
                [names[key] for key, patient in patients.items()
                 if key[0] in two_eyes and len({photo.eye for photo in patient.photos}) == 1 and patient.photos[0].eye]),
    ]
    return [problem for problem in found if problem.names]


def have_several_photos(joined: Joined) -> bool:
    """Whether there is a patient with a case and another photo: else figures by patient would say nothing new."""
    known = {(case.source, case.part, case.patient) for case in joined.cases}
    return len(known) < len(joined.cases) or any((gap.source, gap.part, gap.patient) in known for gap in joined.gaps)


def combine(joined: Joined, rule: Rule) -> Tuple[List[Case], List[Problem]]:
    """The patients, and what is told of them. A patient with an eye of unknown truth and no positive one is neither ill nor well."""
    patients: Dict[Key, _Patient] = {}
    for case in joined.cases:
        patients.setdefault((case.source, case.part, case.patient), _Patient()).photos.append(case)
    for gap in joined.gaps:
        patient = patients.get((gap.source, gap.part, gap.patient))
        if patient:
            patient.gaps.append(gap)
    left_out = [key for key, patient in patients.items()
                if patient.lacks(has_label=False) and not any(photo.positive for photo in patient.photos)]
    cases = [_case(patient, rule) for key, patient in patients.items() if key not in set(left_out)]
    return cases, _problems(patients, left_out)
