# SPDX-License-Identifier: Apache-2.0
"""Reads the JSON lines of `fovea screen --format jsonl` and of `fovea run`, and the array of `--format json`. Nobody has vouched for
them: every field is checked before it counts."""

from __future__ import annotations

import codecs
import collections
import contextlib
import dataclasses
import io
import json
import re
import sys
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Sequence, Tuple

from .. import checked
from ..errors import ConversionError
from ..tables import looks_like_utf16
from ..terminal import printable
from . import EvaluationError
from .problems import Problem

LONGEST_LINE = 1 << 20  # bytes; a line of fovea screen has about 2000
LONGEST_ARRAY = 1 << 28
RESULTS = ("dr_signs_found", "no_dr_signs_found", "not_gradable")
TARGETS = ("any_dr", "referable_dr", "grade5", "other")
GRADES = (0, 1, 2, 3, 4)
VIEWS = (1, 2, 4, 8)
SUM_TOLERANCE = 1e-3    # how far from 1 the sum of the probabilities of classes that exclude each other may be
FORCED = "forced:"      # how the warning starts that --force leaves


@dataclasses.dataclass(frozen=True)
class Setting:
    """What must be alike for all lines of one evaluation."""

    name: str
    sha256: str
    dtype: str
    preset: str
    target: str
    classes: Tuple[str, ...]
    temperature: float
    point: str                      # name of the operating point
    threshold: Optional[float]
    any_dr_threshold: Optional[float] = None    # of five grades, where `threshold` is for referable DR
    views: int = 1                  # of which the logits are the means

    def __str__(self) -> str:
        point = f", threshold {self.threshold:g} ({self.point})" if self.threshold is not None else ""
        views = f", {self.views} views" if self.views > 1 else ""
        return f"{self.name or 'unnamed'} (sha256 {self.sha256[:12] or 'unknown'}, {self.dtype or 'dtype unknown'}, {self.target}{point}{views})"


UNTOLD = Setting("", "", "", "", "other", (), 1.0, "", None)  # of lines that do not say it


@dataclasses.dataclass(frozen=True)
class Shortcoming:
    """A quality check that failed."""

    name: str
    value: str
    limit: str                      # "<= 5"
    advice: str


@dataclasses.dataclass(frozen=True)
class Prediction:
    place: str                      # "file:line"
    file: str                       # printable
    status: str                     # ok, not_gradable or error
    setting: Setting
    error: str = ""
    sha256: str = ""                # of the photo's bytes
    reject: bool = False            # the quality verdict, which --force does not change
    failed_checks: Tuple[str, ...] = ()     # their names
    probabilities: Tuple[float, ...] = ()
    logits: Tuple[float, ...] = ()
    result: str = ""
    engine: str = ""
    path: str = ""                  # as the file has it
    quality: str = ""               # good, usable or reject
    shortcomings: Tuple[Shortcoming, ...] = ()
    typicality: str = ""            # typical, atypical or reject
    warnings: Tuple[str, ...] = ()
    overlay: str = ""               # path of the photo with its heat map over it
    any_dr_result: str = ""         # of five grades, whose result is about referable DR
    told_grade: Optional[int] = None

    @property
    def grade(self) -> int:
        """The program's grade where it tells one, else the likeliest class."""
        return self.probabilities.index(max(self.probabilities)) if self.told_grade is None else self.told_grade

    @property
    def score(self) -> float:
        """What the program compares with its threshold: the probability of DR, or of grade 2 or more."""
        return positive_score(self.probabilities, 2 if len(self.probabilities) == 5 else 1)

    def same_outcome(self, other: "Prediction") -> bool:
        return dataclasses.replace(self, place="", engine="") == dataclasses.replace(other, place="", engine="")


@dataclasses.dataclass(frozen=True)
class PredictionFile:
    path: str
    predictions: List[Prediction]
    truncated: str                  # what is told of a last line that was cut off; "" where none was


def positive_score(probabilities: Sequence[float], first: int) -> float:
    """Probability of the classes from the first positive one on, as the engine adds them up; independent ones do not add up."""
    positive = probabilities[first:]
    return max(positive) if abs(sum(probabilities) - 1) > SUM_TOLERANCE else min(1.0, sum(positive))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _members(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {checked.shown(twice)} twice in one object")
    return members


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"byte 0x{data[error.start]:02x} at column {error.start + 1} is no UTF-8") from error


def _parse(line: bytes) -> Any:
    text = _decoded(line)
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_members)
    except RecursionError as error:
        raise EvaluationError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise EvaluationError(f"no JSON: {error.msg} at column {error.colno}") from error
    except ValueError as error:
        raise EvaluationError(f"no JSON: {printable(str(error))}") from error


def _word(members: Dict[str, Any], key: str, what: str) -> str:
    """A text that may be missing, null or empty."""
    value = members.get(key)
    if value is None or value == "":
        return ""
    return printable(checked.text(value, f"{what}{key}"))


def _overlay(explanation: Any) -> str:
    """The path of the heat map; an explanation of another form is none of ours, and no reason to refuse the line."""
    value = explanation.get("overlay") if isinstance(explanation, dict) else None
    return "" if value is None else checked.text(value, "explanation.overlay")


def _numbers(members: Dict[str, Any], key: str) -> Tuple[float, ...]:
    value = members.get(key)
    if value is None:
        return ()
    return tuple(checked.number(item, f"{key}[{index}]") for index, item in enumerate(checked.sequence(value, key)))


def _optional(members: Dict[str, Any], key: str) -> Dict[str, Any]:
    value = members.get(key)
    return {} if value is None else dict(checked.mapping(value, key))


def _setting(members: Dict[str, Any]) -> Setting:
    model, point = _optional(members, "model"), _optional(members, "operating_point")
    temperature = 1.0 if members.get("temperature") is None else checked.number(members["temperature"], "temperature")
    if temperature <= 0:
        raise ConversionError(f"temperature should be above 0, is {temperature:g}")
    classes = tuple(printable(checked.text(name, "classes")) for name in checked.sequence(members.get("classes") or [], "classes"))
    if len(set(classes)) != len(classes):
        raise ConversionError(f"classes names a class twice: {checked.shown(list(classes))}")
    return Setting(
        _word(model, "name", "model."), _word(model, "sha256", "model."), _word(model, "dtype", "model."),
        _word(model, "preset", "model."),
        checked.one_of(members.get("target", "any_dr"), "target", TARGETS), classes, temperature,
        _word(point, "name", "operating_point."),
        checked.number(point["threshold"], "operating_point.threshold") if "threshold" in point else None,
        _any_dr_threshold(members), checked.one_of(checked.integer(members.get("views", 1), "views", 1), "views", VIEWS))


def _any_dr(members: Dict[str, Any]) -> Dict[str, Any]:
    """What five grades say of any DR, where the line tells it: their result is about referable DR."""
    answers = [dict(checked.mapping(item, "answers")) for item in checked.sequence(members.get("answers") or [], "answers")]
    return next((answer for answer in answers if answer.get("target") == "any_dr"), {})


def _any_dr_threshold(members: Dict[str, Any]) -> Optional[float]:
    point = _optional(_any_dr(members), "operating_point")
    return checked.number(point.get("threshold"), "answers.operating_point.threshold") if point else None


def _shortcomings(quality: Dict[str, Any]) -> Tuple[Shortcoming, ...]:
    failed = []
    for item in checked.sequence(quality.get("checks") or [], "quality.checks"):
        check = dict(checked.mapping(item, "quality.checks"))
        if not checked.flag(check.get("passed"), "quality.checks.passed"):
            value = check.get("value")
            failed.append(Shortcoming(
                printable(checked.text(check.get("name"), "quality.checks.name")),
                "" if value is None else f"{checked.number(value, 'quality.checks.value'):.3g}",
                _word(check, "limit", "quality.checks."), _word(check, "advice", "quality.checks.")))
    return tuple(failed)


def _scores(members: Dict[str, Any], setting: Setting) -> Tuple[float, ...]:
    probabilities = _numbers(members, "probabilities")
    if not probabilities:
        raise ConversionError("status is ok, but there are no probabilities")
    if len(probabilities) != len(setting.classes):
        raise ConversionError(f"{len(probabilities)} probabilities for {len(setting.classes)} classes")
    if min(probabilities) < 0 or max(probabilities) > 1:
        raise ConversionError(f"probabilities should lie in 0 to 1, are {checked.shown(list(probabilities))}")
    return probabilities


def _of_run(members: Dict[str, Any], file: str, place: str) -> Prediction:
    """fovea run tells neither model nor classes, and knows no quality."""
    if members["logits"] is None:
        error = _optional(members, "error")
        return Prediction(place, file, "error", UNTOLD, error=_word(error, "message", "error.") or "no cause")
    return Prediction(place, file, "ok", UNTOLD, probabilities=_numbers(members, "probabilities"), logits=_numbers(members, "logits"))


def _prediction(value: Any, place: str) -> Prediction:
    members = dict(checked.mapping(value, "the line"))
    if "file" not in members and "logits" in members:
        raise ConversionError("the line names no photo; fovea run does so where it is given several")
    file = printable(checked.text(members.get("file"), "file"))
    if "status" not in members and "logits" in members:
        return _of_run(members, file, place)
    status = checked.one_of(members.get("status"), "status", ("ok", "not_gradable", "error"))
    setting = _setting(members)
    image, quality, error = (_optional(members, key) for key in ("image", "quality", "error"))
    warnings = [checked.text(item, "warnings") for item in checked.sequence(members.get("warnings") or [], "warnings")]
    shortcomings = _shortcomings(quality)
    prediction = Prediction(
        place, file, status, setting, sha256=_word(image, "sha256", "image."), engine=_word(members, "engine", ""),
        failed_checks=tuple(one.name for one in shortcomings), path=members["file"], quality=_word(quality, "verdict", "quality."),
        shortcomings=shortcomings, typicality=_word(_optional(members, "typicality"), "verdict", "typicality."),
        warnings=tuple(printable(warning) for warning in warnings), overlay=_overlay(members.get("explanation")),
        reject=quality.get("verdict") == "reject" or any(warning.startswith(FORCED) for warning in warnings))
    if status == "error":
        return dataclasses.replace(prediction, error=_word(error, "message", "error.") or _word(error, "code", "error.") or "no cause")
    if status == "not_gradable":
        return dataclasses.replace(prediction, reject=True)
    result = "" if members.get("result") is None else checked.one_of(members["result"], "result", RESULTS[:2])
    any_dr, grade = _any_dr(members).get("result"), members.get("grade")
    return dataclasses.replace(prediction, probabilities=_scores(members, setting), logits=_numbers(members, "logits"), result=result,
                               any_dr_result="" if any_dr is None else checked.one_of(any_dr, "answers.result", RESULTS[:2]),
                               told_grade=None if grade is None else checked.one_of(grade, "grade", GRADES))


def _checked(value: Any, place: str) -> Prediction:
    try:
        return _prediction(value, place)
    except ConversionError as error:
        raise EvaluationError(f"{place}: {printable(str(error))}") from error


def _first_bytes(file: BinaryIO) -> bytes:
    """The start of the file to the end of its first line that is not empty; that line is cut where it is longer than any may be."""
    start = b""
    while len(start) <= LONGEST_LINE:
        line = file.readline(LONGEST_LINE + 1)
        start += line
        if not line or start.removeprefix(codecs.BOM_UTF8).strip():
            break
    return start


def _whole(file: BinaryIO, first: bytes, name: str) -> str:
    data = first + file.read(LONGEST_ARRAY + 1)
    if len(data) > LONGEST_ARRAY:
        raise EvaluationError(f"{name}: a JSON array of more than {LONGEST_ARRAY >> 20} MiB; make JSON lines with --format jsonl")
    return _decoded(data.removeprefix(codecs.BOM_UTF8))


def _elements(text: str, name: str) -> Iterator[Tuple[str, Any]]:
    """(place, value) of a JSON array, as `fovea screen --format json` writes it."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_members)
    blanks = re.compile(r"[ \t\r\n]*")

    def after_blanks(position: int) -> int:
        return blanks.match(text, position).end()  # type: ignore[union-attr]

    position, number = after_blanks(after_blanks(0) + 1), 0
    if text[position:position + 1] == "]":
        raise EvaluationError(f"{name}: no photo in it")
    while True:
        number += 1
        place = f"{name}, photo {number}"
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise EvaluationError(f"{place}: the array is damaged or cut off here ({printable(str(error))})") from error
        yield place, value
        position = after_blanks(position)
        if text[position:position + 1] == "]":
            break
        if text[position:position + 1] != ",":
            raise EvaluationError(f"{place}: the array is cut off after this photo, or its comma is missing")
        position = after_blanks(position + 1)
    if text[position + 1:].strip():
        raise EvaluationError(f"{name}: more text after the end of the array")


def _lines(file: BinaryIO, first: bytes, name: str) -> Iterator[Tuple[str, bytes]]:
    """first: the start that was read already, whole lines but for a last one that is too long."""
    number = 0
    known = io.BytesIO(first)
    while True:
        number += 1
        line = known.readline() or file.readline(LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > LONGEST_LINE:
            raise EvaluationError(f"{name}:{number}: the line is longer than {LONGEST_LINE} bytes")
        yield f"{name}:{number}", line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


@contextlib.contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    with open(path, "rb") as file:
        yield file


def read(path: str) -> PredictionFile:
    """All lines of the file ("-": standard input). A last line that was cut off is left out and told; any other bad line is an
    error that names file and line."""
    name = "standard input" if path == "-" else path
    predictions: List[Prediction] = []
    truncated = ""
    try:
        with _opened(path) as file:
            first = _first_bytes(file)
            if looks_like_utf16(first):
                raise EvaluationError(f"{name}: this is UTF-16, as PowerShell's > writes it; make the file with fovea screen's --output, "
                                      "or save it as UTF-8")
            if first.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
                return PredictionFile(name, [_checked(value, place) for place, value in _elements(_whole(file, first, name), name)], "")
            for place, line in _lines(file, first, name):
                if not line.strip():
                    continue
                try:
                    value = _parse(line)
                except EvaluationError as error:
                    if not line.endswith(b"\n") and predictions:
                        truncated = f"{place}: the last line was cut off and is left out ({error})"
                        break
                    raise EvaluationError(f"{place}: {error}") from error
                predictions.append(_checked(value, place))
    except OSError as error:
        raise EvaluationError(f"{name}: {error.strerror}") from error
    if not predictions:
        raise EvaluationError(f"{name}: no photo in it" + ("; did the program before the pipe fail?" if path == "-" else ""))
    return PredictionFile(name, predictions, truncated)


def choose_setting(predictions: Sequence[Prediction], wanted: Optional[str], how: str) -> Tuple[Setting, List[Prediction], List[Problem]]:
    """The one model that counts, its predictions, and what is told of others. Figures of a mixture would mean nothing. how: what to do
    where there are several."""
    counts = collections.Counter(prediction.setting for prediction in predictions)
    fitting = [setting for setting in counts
               if not wanted or wanted in (setting.name, setting.dtype, setting.point) or setting.sha256.startswith(wanted)]
    listed = "; ".join(f"{setting}: {count} photos" for setting, count in counts.items())
    if not fitting:
        raise EvaluationError(f"no photo by a model '{wanted}'. There are: {listed}")
    if len(fitting) > 1:
        raise EvaluationError(f"photos by {len(fitting)} models or settings in one file; {how}: {listed}")
    problems = [Problem("other_models", "photos by other models or settings are left out",
                        [f"{setting}: {count} photos" for setting, count in counts.items() if setting != fitting[0]])]
    return fitting[0], [p for p in predictions if p.setting == fitting[0]], [p for p in problems if p.names]
