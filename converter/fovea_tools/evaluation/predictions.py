# SPDX-License-Identifier: Apache-2.0
"""Reads the JSON lines of `fovea screen --format jsonl` and of `fovea run`. Nobody has vouched for them: every field is checked before it counts."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Tuple

from .. import checked
from ..errors import ConversionError
from . import EvaluationError

LONGEST_LINE = 1 << 20  # bytes; a line of fovea screen has about 2000
RESULTS = ("dr_signs_found", "no_dr_signs_found", "not_gradable")
TARGETS = ("any_dr", "referable_dr", "grade5", "other")
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

    def __str__(self) -> str:
        point = f", threshold {self.threshold:g} ({self.point})" if self.threshold is not None else ""
        return f"{self.name or 'unnamed'} (sha256 {self.sha256[:12] or 'unknown'}, {self.dtype or 'dtype unknown'}, {self.target}{point})"


UNTOLD = Setting("", "", "", "", "other", (), 1.0, "", None)  # of lines that do not say it


@dataclasses.dataclass(frozen=True)
class Prediction:
    place: str                      # "file:line"
    file: str
    status: str                     # ok, not_gradable or error
    setting: Setting
    error: str = ""
    sha256: str = ""                # of the photo's bytes
    reject: bool = False            # the quality verdict, which --force does not change
    failed_checks: Tuple[str, ...] = ()
    probabilities: Tuple[float, ...] = ()
    logits: Tuple[float, ...] = ()
    result: str = ""
    engine: str = ""

    def same_outcome(self, other: "Prediction") -> bool:
        return dataclasses.replace(self, place="", engine="") == dataclasses.replace(other, place="", engine="")


@dataclasses.dataclass(frozen=True)
class PredictionFile:
    path: str
    predictions: List[Prediction]
    truncated: str                  # what is told of a last line that was cut off; "" where none was


def printable(text: str) -> str:
    """The text with everything escaped that could not be written or could steer a terminal."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _members(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {checked.shown(twice)} twice in one object")
    return members


def _parse(line: bytes) -> Any:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"byte 0x{line[error.start]:02x} at column {error.start + 1} is no UTF-8") from error
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
        checked.number(point["threshold"], "operating_point.threshold") if "threshold" in point else None)


def _failed_checks(quality: Dict[str, Any]) -> Tuple[str, ...]:
    failed = []
    for item in checked.sequence(quality.get("checks") or [], "quality.checks"):
        check = checked.mapping(item, "quality.checks")
        if not checked.flag(check.get("passed"), "quality.checks.passed"):
            failed.append(printable(checked.text(check.get("name"), "quality.checks.name")))
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
    prediction = Prediction(
        place, file, status, setting, sha256=_word(image, "sha256", "image."), engine=_word(members, "engine", ""),
        failed_checks=_failed_checks(quality),
        reject=quality.get("verdict") == "reject" or any(warning.startswith(FORCED) for warning in warnings))
    if status == "error":
        return dataclasses.replace(prediction, error=_word(error, "message", "error.") or _word(error, "code", "error.") or "no cause")
    if status == "not_gradable":
        return dataclasses.replace(prediction, reject=True)
    result = "" if members.get("result") is None else checked.one_of(members["result"], "result", RESULTS[:2])
    return dataclasses.replace(prediction, probabilities=_scores(members, setting), logits=_numbers(members, "logits"), result=result)


def _lines(file: BinaryIO, name: str) -> Iterator[Tuple[str, bytes]]:
    number = 0
    while True:
        number += 1
        line = file.readline(LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > LONGEST_LINE:
            raise EvaluationError(f"{name}:{number}: the line is longer than {LONGEST_LINE} bytes")
        yield f"{name}:{number}", line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


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
            for place, line in _lines(file, name):
                if not line.strip():
                    continue
                try:
                    value = _parse(line)
                except EvaluationError as error:
                    if not line.endswith(b"\n") and predictions:
                        truncated = f"{place}: the last line was cut off and is left out ({error})"
                        break
                    raise EvaluationError(f"{place}: {error}") from error
                if isinstance(value, list):
                    raise EvaluationError(f"{place}: a JSON array; make JSON lines with `fovea screen --format jsonl`")
                try:
                    predictions.append(_prediction(value, place))
                except ConversionError as error:
                    raise EvaluationError(f"{place}: {printable(str(error))}") from error
    except OSError as error:
        raise EvaluationError(f"{name}: {error.strerror}") from error
    if not predictions:
        raise EvaluationError(f"{name}: no photo in it" + ("; did the program before the pipe fail?" if path == "-" else ""))
    return PredictionFile(name, predictions, truncated)
