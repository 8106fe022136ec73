# SPDX-License-Identifier: Apache-2.0
"""The reader of predictions: what fovea screen writes, and lines that nobody should trust."""
import io
import json
import types

import pytest
from evaluation_helpers import error_line, line, write_lines

from fovea_tools.evaluation import EvaluationError, predictions


@pytest.fixture
def read(tmp_path):
    def make(data):
        path = tmp_path / "p.jsonl"
        if isinstance(data, list):
            write_lines(path, data)
        else:
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return predictions.read(str(path))
    return make


GOOD = json.dumps(line("a.jpg"))


def test_fields_of_a_line(read):
    file = read([line("d/a.jpg", 0.75, logits=[0.0, 1.0], temperature=1.5), line("b.jpg", None), error_line("c.jpg")])
    scored, rejected, unreadable = file.predictions
    assert (scored.file, scored.status, scored.probabilities, scored.logits) == ("d/a.jpg", "ok", (0.25, 0.75), (0.0, 1.0))
    assert (scored.result, scored.reject, scored.setting.threshold, scored.setting.temperature) == ("dr_signs_found", False, 0.4, 1.5)
    assert (rejected.status, rejected.reject, rejected.failed_checks, rejected.probabilities) == (
        "not_gradable", True, ("sharpness",), ())
    assert (unreadable.status, unreadable.error) == ("error", "image: the data end too early")
    assert rejected.place.endswith("p.jsonl:2") and file.truncated == ""


def test_a_line_of_another_program_needs_little(read):
    text = '{"file": "a", "status": "ok", "classes": ["n", "p"], "probabilities": [0.25, 0.75], "new_key": [{}]}\n'
    prediction, = read(text).predictions
    assert prediction.setting.threshold is None and prediction.setting.temperature == 1.0 and prediction.setting.target == "any_dr"


def test_byte_order_mark_empty_lines_and_windows_ends(read):
    file = read(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n\r\n\n" + json.dumps(line("b.jpg")).encode() + b"\r\n")
    assert [p.place.rpartition(":")[2] for p in file.predictions] == ["1", "4"]


@pytest.mark.parametrize("start, between, end", [
    ("[\n", ",\n", "\n]\n"), ("[", ",", "]"), ("\ufeff\n \r\n[ ", " ,\r\n\t", " ]\n\n"),
])
def test_a_json_array_is_read_like_its_lines(read, start, between, end):
    lines = [json.dumps(line("a.jpg")), json.dumps(line("b.jpg", None), indent=2), json.dumps(error_line("ä.jpg"), ensure_ascii=False)]
    file = read((start + between.join(lines) + end).encode())
    plain = read("".join(json.dumps(json.loads(text)) + "\n" for text in lines))
    assert len(file.predictions) == 3 and not file.truncated
    assert all(one.same_outcome(other) for one, other in zip(file.predictions, plain.predictions))


def test_forced_results_are_known_by_quality_or_warning(read):
    quality = {"verdict": "reject", "checks": []}
    by_verdict, by_warning = read([line("a", quality=quality), line("b", warnings=["forced: the photo's quality or typicality is reject"])]).predictions
    assert by_verdict.reject and by_warning.reject and by_verdict.status == "ok"


@pytest.mark.parametrize("cut", [1, 20, 400, len(GOOD) - 1])
def test_a_last_line_that_was_cut_off_is_told(read, cut):
    file = read(GOOD + "\n" + GOOD[:cut])
    assert len(file.predictions) == 1
    assert "p.jsonl:2: the last line was cut off" in file.truncated


def test_a_last_line_without_its_end_is_whole(read):
    file = read(GOOD + "\n" + json.dumps(line("b.jpg")))
    assert len(file.predictions) == 2 and file.truncated == ""


def test_a_cut_within_a_character_is_a_cut(read):
    file = read((GOOD + "\n").encode() + '{"file": "ä'.encode()[:-1])
    assert file.truncated


def changed(**changes):
    return json.dumps({**line("a.jpg"), **changes})


@pytest.mark.parametrize("text, expected", [
    ("", "no photo in it"),
    ("\n\n", "no photo in it"),
    (GOOD[:50], "p.jsonl:1: no JSON"),
    (GOOD + "\n{\n" + GOOD + "\n", "p.jsonl:2: no JSON: Expecting property name"),
    (GOOD + "\n" + GOOD[:100] + "\n", "p.jsonl:2: no JSON"),
    ("[" + GOOD + "\n", "p.jsonl, photo 1: the array is cut off after this photo"),
    ("[" + GOOD + ",\n" + GOOD[:100] + "\n", "p.jsonl, photo 2: the array is damaged or cut off here"),
    ("[" + GOOD + ",\n", "p.jsonl, photo 2: the array is damaged or cut off here"),
    ("[" + GOOD + "] 3\n", "p.jsonl: more text after the end of the array"),
    ("[" + GOOD + ", 3]\n", "p.jsonl, photo 2: the line should be a dictionary"),
    ("[]", "p.jsonl: no photo in it"),
    (" \n\n[" + "[" * 100000, "p.jsonl, photo 1: the array is damaged"),
    ("[" + changed(probabilities=[0.5]) + "]", "p.jsonl, photo 1: 1 probabilities for 2 classes"),
    ("[" + GOOD.replace("0.9,", "NaN,") + "]", "p.jsonl, photo 1: the array is damaged or cut off here (NaN is no number"),
    ("3\n", "p.jsonl:1: the line should be a dictionary"),
    ("null\n", "p.jsonl:1: the line should be a dictionary"),
    (GOOD + "\n" + "[" * 100000 + "\n", "p.jsonl:2: nested too deeply"),
    ('{"file": ' + "9" * 5000 + "}\n", "p.jsonl:1: no JSON: Exceeds the limit"),
    ('{"file": "a", "file": "b"}\n', "p.jsonl:1: no JSON: the key 'file' twice"),
    (GOOD.replace("0.9,", "NaN,"), "p.jsonl:1: no JSON: NaN is no number"),
    (changed(probabilities=[1e999, 0.0]).replace("Infinity", "1e999"), "p.jsonl:1: probabilities[0] should be finite"),
    (changed(probabilities=[10 ** 400, 0]), "p.jsonl:1: probabilities[0] should be finite"),
    (changed(probabilities=["0.1", 0.9]), "p.jsonl:1: probabilities[0] should be a number"),
    (changed(probabilities=[True, False]), "p.jsonl:1: probabilities[0] should be a number"),
    (changed(probabilities=[0.5]), "p.jsonl:1: 1 probabilities for 2 classes"),
    (changed(probabilities=[-0.5, 1.5]), "p.jsonl:1: probabilities should lie in 0 to 1"),
    (changed(probabilities=None), "p.jsonl:1: status is ok, but there are no probabilities"),
    (changed(probabilities={"dr": 1}), "p.jsonl:1: probabilities should be a list"),
    (changed(status="fine"), "p.jsonl:1: status is 'fine'; known: ok, not_gradable, error"),
    (changed(status=["ok"]), "p.jsonl:1: status is ['ok']"),
    (changed(result="healthy"), "p.jsonl:1: result is 'healthy'"),
    (changed(views=3), "p.jsonl:1: views is 3; known: 1, 2, 4, 8"),
    (changed(views="8"), "p.jsonl:1: views should be a whole number"),
    (changed(views=True), "p.jsonl:1: views should be a whole number"),
    (changed(views=None), "p.jsonl:1: views should be a whole number"),
    (changed(grade=7), "p.jsonl:1: grade is 7; known: 0, 1, 2, 3, 4"),
    (changed(target="amd"), "p.jsonl:1: target is 'amd'"),
    (changed(temperature=0), "p.jsonl:1: temperature should be above 0"),
    (changed(classes=["dr", "dr"]), "p.jsonl:1: classes names a class twice"),
    (changed(classes="no_dr,dr"), "p.jsonl:1: classes should be a list"),
    (changed(operating_point={"name": "x", "threshold": "low"}), "p.jsonl:1: operating_point.threshold should be a number"),
    (changed(operating_point=[]), "p.jsonl:1: operating_point should be a dictionary"),
    (changed(model={"name": 3}), "p.jsonl:1: model.name should be a name"),
    (changed(quality={"verdict": "good", "checks": [{"name": "x"}]}), "p.jsonl:1: quality.checks.passed should be true or false"),
    (changed(warnings=[1]), "p.jsonl:1: warnings should be a name"),
    (changed(file=""), "p.jsonl:1: file should be a name"),
    (changed(file=None), "p.jsonl:1: file should be a name"),
    ('{"status": "ok"}\n', "p.jsonl:1: file should be a name"),
    (b'{"file": "\xff"}\n', "p.jsonl:1: byte 0xff at column 11 is no UTF-8"),
    (b"\xff\xfe{\x00", "p.jsonl: this is UTF-16"),
    (GOOD.encode("utf-16-le"), "p.jsonl: this is UTF-16"),
    (b"\x00\x00\x00\n", "p.jsonl:1: no JSON"),
    ("a" * (predictions.LONGEST_LINE + 1), "p.jsonl:1: the line is longer than"),
])
def test_hostile_lines_are_refused_by_file_and_line(read, text, expected):
    with pytest.raises(EvaluationError) as error:
        read(text)
    assert expected in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 600


def test_names_cannot_steer_a_terminal_or_break_the_output(read):
    text = '{"file": "\\u001b[2J\\ud800\\na.jpg", "status": "error", "error": {"message": "\\u202eevil"}}\n'
    prediction, = read(text).predictions
    assert prediction.file == "\\x1b[2J\\ud800\\na.jpg" and prediction.error == "\\u202eevil"
    prediction.file.encode()


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path, cause in ((tmp_path / "none.jsonl", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(EvaluationError, match=cause):
            predictions.read(str(path))


def test_standard_input_is_named_in_messages(monkeypatch):
    for data, expected in ((b"", "standard input: no photo in it; did the program before the pipe fail?"),
                           (b"{]\n", "standard input:1: no JSON")):
        monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=io.BytesIO(data)))
        with pytest.raises(EvaluationError) as error:
            predictions.read("-")
        assert expected in str(error.value)


def test_noise_never_ends_in_a_traceback(read):
    import random
    source = random.Random(1)
    for _ in range(300):
        data = bytearray((GOOD + "\n" + GOOD).encode())
        for _ in range(source.randint(1, 8)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            read(bytes(data))
        except EvaluationError as error:
            assert "p.jsonl" in str(error)
