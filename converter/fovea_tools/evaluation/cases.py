# SPDX-License-Identifier: Apache-2.0
"""Joins predictions with labels. What cannot be joined is counted and named, never dropped in silence."""

from __future__ import annotations

import collections
import dataclasses
from typing import Dict, List, Optional, Sequence, Tuple

from ..label_sets import ICDR, Label, ending_of, without_ending
from ..labels import LabelFile
from ..terminal import printable
from . import EvaluationError
from .predictions import Prediction
from .problems import Problem
from .splits import DROPPED, Place, Split


@dataclasses.dataclass(frozen=True)
class Case:
    """One photo (or patient) with a prediction and a label that says whether it is positive."""

    name: str
    source: str
    part: str                   # train, validation, test; "" without a split
    patient: str
    group_of_split: str         # what the split file says belongs together; "" where it does not say
    positive: bool
    grade: Optional[int]        # ICDR, where the label tells
    gradable: bool
    prediction: Prediction
    eye: str = ""               # "left" or "right", where it is known

    @property
    def group(self) -> str:
        """Cases of one group are not independent."""
        return self.group_of_split or self.patient


@dataclasses.dataclass(frozen=True)
class Gap:
    """A photo that is in no figure although it is of a patient who may be: what it would have told is missing of that patient."""

    source: str
    part: str
    patient: str
    eye: str
    has_label: bool             # the photo could not be read; else its label does not tell the target


@dataclasses.dataclass(frozen=True)
class Joined:
    cases: List[Case]
    problems: List[Problem]
    agreement: Dict[str, List[List[int]]]   # by source: label file says gradable, not x fovea says gradable, not
    gaps: List[Gap]


@dataclasses.dataclass(frozen=True)
class _Entry:
    source: str
    label: Label
    parts: Tuple[str, ...]


def _parts(path: str) -> Tuple[str, ...]:
    """The folders and the name without ending, whatever system wrote the path."""
    return tuple(part for part in without_ending(path.replace("\\", "/")).split("/") if part)


def _match(file: str, index: Dict[str, List[_Entry]], sources: Sequence[str]) -> List[_Entry]:
    """The labels that may be meant by a file. Several sources: a folder with a source's name decides between them."""
    parts = _parts(file)
    found = [entry for entry in index.get(parts[-1], []) if parts[-len(entry.parts):] == entry.parts] if parts else []
    folders = {part.lower() for part in parts[:-1]}
    named = [source for source in sources if source.lower() in folders]
    if len(sources) > 1 and named:
        found = [entry for entry in found if entry.source in named]
    longest = max((len(entry.parts) for entry in found), default=0)
    found = [entry for entry in found if len(entry.parts) == longest]
    # Where x.jpg and x.png are labelled apart the ending decides; a photo that was converted after it was labelled has another one.
    exact = [entry for entry in found if entry.label.ending and entry.label.ending == ending_of(file)]
    return exact or found


class _Notes:
    """Collects names by kind; kinds come out in the order in which they first occurred."""

    def __init__(self) -> None:
        self._names: Dict[Tuple[str, str], List[str]] = {}

    def add(self, kind: str, message: str, name: str) -> None:
        self._names.setdefault((kind, message), []).append(name)

    def problems(self) -> List[Problem]:
        return [Problem(kind, message, names) for (kind, message), names in self._names.items()]


def _last_lines(predictions: Sequence[Prediction], notes: _Notes) -> List[Prediction]:
    """Each file once: the last line counts, as after a run that was taken up again."""
    last: Dict[str, Prediction] = {}
    for prediction in predictions:
        earlier = last.get(prediction.file)
        if earlier is not None and earlier.same_outcome(prediction):
            notes.add("repeated", "photos listed more than once with the same result count once", prediction.file)
        elif earlier is not None:
            notes.add("contradictory", "photos listed more than once with different results: the last line counts",
                      f"{prediction.file} ({earlier.place}, {prediction.place})")
        last[prediction.file] = prediction
    return list(last.values())


def _no_match(predictions: Sequence[Prediction], index: Dict[str, List[_Entry]]) -> EvaluationError:
    entry = next(iter(index.values()))[0]
    return EvaluationError(f"none of the {len(predictions)} photos has a label: the predictions name '{predictions[0].file}', "
                           f"the labels of {entry.source} '{printable(entry.label.name)}'")


def _advice(photos: Sequence[Prediction]) -> str:
    """What tells photos of one name apart."""
    if len({ending_of(photo.file) for photo in photos}) == len(photos):
        return "write the names in the label file with their endings"
    return "write the names in the label file with their folders"


def _sole_claims(claims: Sequence[Tuple[_Entry, List[Prediction]]], notes: _Notes) -> List[Tuple[_Entry, Prediction]]:
    """One photo for each label. The same picture in two places counts once; different pictures under one name count not at all."""
    sole = []
    for entry, photos in claims:
        if len(photos) > 1 and (not photos[0].sha256 or len({photo.sha256 for photo in photos}) > 1):
            exact = [photo for photo in photos if entry.label.ending and ending_of(photo.file) == entry.label.ending]
            chosen = exact if len(exact) == 1 else []
            for photo in photos:
                if photo not in chosen:
                    notes.add("same_name", "different photos with the name of one label are left out; " + _advice(photos), photo.file)
            sole += [(entry, photo) for photo in chosen]
            continue
        for photo in photos[1:]:
            notes.add("copied", "the same picture with the same name in several folders counts once", photo.file)
        sole += [(entry, photo) for photo in photos[:1]]
    return sole


def _tell_copies(cases: Sequence[Case], notes: _Notes) -> None:
    """Pictures that are equal to the byte under different names: they weigh double, contradict or leak."""
    by_hash = collections.defaultdict(list)
    for case in cases:
        if case.prediction.sha256:
            by_hash[case.prediction.sha256].append(case)
    for same in by_hash.values():
        if len(same) < 2:
            continue
        names = " = ".join(f"{case.source}/{case.name}" for case in same)
        notes.add("equal_pictures", "pictures equal to the byte under several names, each counted", names)
        if len({case.positive for case in same}) > 1:
            notes.add("equal_pictures_other_label", "equal pictures with contradicting labels, each counted", names)
        if len({case.part for case in same}) > 1:
            notes.add("leak_picture", "LEAK: equal pictures on different sides of the split", names)


def _tell_leaks(cases: Sequence[Case], notes: _Notes) -> None:
    for what, key in (("patient", lambda case: case.patient), ("group", lambda case: case.group)):
        parts = collections.defaultdict(set)
        for case in cases:
            if what == "patient" or case.group_of_split:
                parts[case.source, key(case)].add(case.part)
        for (source, name), sides in parts.items():
            if len(sides) > 1:
                notes.add(f"leak_{what}", f"LEAK: a {what} on different sides of the split", f"{source}/{name}")


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of the labels, and how photos count."""

    target: str                         # "any" or "referable"
    edema_from: Optional[int] = None    # with target referable: a risk of macular oedema that high is referable too
    use_forced: bool = False            # photos that only --force gave a result are gradable
    by_patient: bool = False            # labels that hold for the patient will do


def _index(files: Sequence[Tuple[str, LabelFile]], notes: _Notes) -> Dict[str, List[_Entry]]:
    """The labels by the photo's bare name."""
    index: Dict[str, List[_Entry]] = collections.defaultdict(list)
    for source, file in files:
        for note in file.notes:
            notes.add("errata", f"errata of {file.data_set} applied", note)
        for name in file.without_patient:
            notes.add("no_patient", "photos for which the patient's column is empty: their names tell the patient", f"{source}/{printable(name)}")
        for label in file.labels:
            parts = tuple(part for part in label.name.split("/") if part and part != ".") or (label.name,)
            index[parts[-1]].append(_Entry(source, label, parts))
    return index


def _claim(photos: Sequence[Prediction], index: Dict[str, List[_Entry]], sources: Sequence[str],
           notes: _Notes) -> List[Tuple[_Entry, List[Prediction]]]:
    """Each label that photos claim, with these photos; photos that could not be read claim it, too, but are left out."""
    claims: Dict[int, Tuple[_Entry, List[Prediction]]] = {}
    for photo in photos:
        found = _match(photo.file, index, sources)
        if photo.status == "error":
            notes.add("unreadable", "photos that could not be read are left out", f"{photo.file} ({photo.error})")
        elif len(found) > 1:
            notes.add("ambiguous", "photos whose name several sources have are left out; put each source in a folder of its name",
                      photo.file)
        elif not found:
            notes.add("no_label", "photos without a label are left out", photo.file)
        if len(found) == 1:
            readable = claims.setdefault(id(found[0]), (found[0], []))[1]
            if photo.status != "error":
                readable.append(photo)
    if not claims:
        raise _no_match(photos, index)
    for entry in (entry for same in index.values() for entry in same):
        if id(entry) not in claims:
            notes.add("no_photo", "labels without a photo", f"{entry.source}/{printable(entry.label.name)}")
    return list(claims.values())


def _place(entry: _Entry, split: Optional[Split], notes: _Notes) -> Optional[Place]:
    """Where the split has the photo, or None where it leaves it out."""
    if not split:
        return Place("", "")
    shown = f"{entry.source}/{printable(entry.label.name)}"
    place = split.find(entry.source, entry.label.name)
    if place is None:
        notes.add("split_unknown", "photos that are not in the split are left out", shown)
    elif place.part == DROPPED:
        notes.add("split_dropped", "photos that the split dropped are left out", shown)
        place = None
    return place


def _positive(label: Label, question: Question, shown: str, notes: _Notes) -> Optional[bool]:
    """Whether the photo is positive, or None where the label does not tell."""
    if label.gradable is False:
        notes.add("label_ungradable", "photos that the label file calls ungradable are left out", shown)
        return None
    positive = label.positive(question.target, question.edema_from)
    if positive is None and question.by_patient and question.target == "any":
        positive = label.patient_any_dr
    if positive is None:
        notes.add("label_silent", f"photos whose label does not tell the target ({question.target}) are left out", shown)
    return positive


def _case(entry: _Entry, place: Place, prediction: Prediction, question: Question, notes: _Notes) -> Optional[Case]:
    """The case of a photo and its label, or None where the label leaves it out."""
    label, name = entry.label, printable(entry.label.name)
    gradable = not prediction.reject or (question.use_forced and prediction.status == "ok")
    if prediction.reject and prediction.status == "ok":
        what = "gradable" if question.use_forced else "not gradable (--use-forced: as gradable)"
        notes.add("forced", f"photos of rejected quality with a forced result count as {what}", prediction.file)
    positive = _positive(label, question, f"{entry.source}/{name}", notes)
    if positive is None:
        return None
    return Case(name, entry.source, place.part, printable(label.patient), printable(place.group), positive,
                label.grade if label.scale == ICDR else None, gradable, prediction, label.eye)


def join(predictions: Sequence[Prediction], files: Sequence[Tuple[str, LabelFile]], question: Question,
         split: Optional[Split] = None) -> Joined:
    """files: (source, its labels)."""
    notes = _Notes()
    index = _index(files, notes)
    sources = list(dict.fromkeys(source for source, _ in files))
    cases: List[Case] = []
    gaps: List[Gap] = []
    agreement: Dict[str, List[List[int]]] = {}
    claims = _claim(_last_lines(predictions, notes), index, sources, notes)
    read = _sole_claims([claim for claim in claims if claim[1]], notes)

    def gap(entry: _Entry, place: Place, has_label: bool) -> Gap:
        return Gap(entry.source, place.part, printable(entry.label.patient), entry.label.eye, has_label)

    for entry, photo in read:
        if entry.label.gradable is not None:
            agreement.setdefault(entry.source, [[0, 0], [0, 0]])[not entry.label.gradable][photo.reject] += 1
        place = _place(entry, split, notes)
        case = _case(entry, place, photo, question, notes) if place else None
        if case:
            cases.append(case)
        elif place:
            gaps.append(gap(entry, place, has_label=False))
    for entry in [entry for entry, photos in claims if not photos]:
        place = _place(entry, split, notes)
        if place:
            gaps.append(gap(entry, place, has_label=True))
    _tell_copies(cases, notes)
    if split:
        _tell_leaks(cases, notes)
    return Joined(cases, notes.problems(), agreement, gaps)
