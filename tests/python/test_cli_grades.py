# SPDX-License-Identifier: Apache-2.0
"""fovea screen with a model of five grades: it answers any DR, referable DR and the grade, and says which result is about what."""
import csv
import io
import json
import re

import numpy as np
import pytest
from cli_helpers import ROOT, SAMPLES, TinyNetwork, fovea, fovea_ok, jsonl, needs_binary, write_model

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary
LABELS = ("no_dr", "mild", "moderate", "severe", "proliferative")


def graded(path, *, with_any_dr=True, any_dr=0.4):
    network = TinyNetwork(seed=3, classes=5)
    return write_model(path, network=network, target="grade5", labels=LABELS,
                       any_dr_points=[("sensitive", 0.0005), ("balanced", any_dr)] if with_any_dr else [])


def test_json_tells_both_answers_and_the_grade(tmp_path):
    row = jsonl(fovea_ok("screen", "--model", graded(tmp_path / "g.fovea"), "--format", "jsonl", SAMPLES[0]))[0]
    keys = list(row)
    assert keys[keys.index("confidence"):keys.index("model")] == ["confidence", "grade", "operating_point", "answers", "temperature"]
    probabilities = np.array(row["probabilities"])
    assert row["grade"] == sum(probabilities[level:].sum() >= 0.5 for level in range(1, 5)) and row["target"] == "grade5" and row["classes"] == list(LABELS)
    any_dr, referable = row["answers"]
    assert list(any_dr) == list(referable) == ["target", "result", "score", "operating_point"]
    assert (any_dr["target"], referable["target"]) == ("any_dr", "referable_dr")
    for answer, first in ((any_dr, 1), (referable, 2)):
        assert answer["score"] == pytest.approx(probabilities[first:].sum(), abs=1e-6)
        assert answer["result"] == ("dr_signs_found" if answer["score"] >= answer["operating_point"]["threshold"] else "no_dr_signs_found")
    assert any_dr["operating_point"] == {"name": "balanced", "threshold": 0.4}
    assert referable["operating_point"] == row["operating_point"] and referable["result"] == row["result"]


def test_each_question_has_its_threshold_at_every_point(tmp_path):
    model = graded(tmp_path / "g.fovea", any_dr=1.0)
    # No probability reaches 1 here, and all reach 0.0005.
    for point, result in (("balanced", "no_dr_signs_found"), ("sensitive", "dr_signs_found")):
        row = jsonl(fovea_ok("screen", "--model", model, "--format", "jsonl", "--operating-point", point, SAMPLES[0]))[0]
        assert row["answers"][0]["result"] == result and row["answers"][0]["operating_point"]["name"] == point
    row = jsonl(fovea_ok("screen", "--model", model, "--format", "jsonl", "--operating-point", "specific", SAMPLES[0]))[0]
    assert [answer["target"] for answer in row["answers"]] == ["referable_dr"]


def test_csv_has_a_column_for_each_answer(tmp_path):
    model = graded(tmp_path / "g.fovea")
    dark = tmp_path / "dark.png"
    Image.fromarray(np.zeros((480, 640, 3), np.uint8)).save(dark)
    (tmp_path / "broken.jpg").write_bytes(SAMPLES[0].read_bytes()[:5000])
    result = fovea("screen", "--model", model, "--format", "csv", SAMPLES[0], dark, tmp_path / "broken.jpg")
    assert result.returncode == 3
    good, rejected, broken = csv.DictReader(io.StringIO(result.stdout))
    row = jsonl(fovea_ok("screen", "--model", model, "--format", "jsonl", SAMPLES[0]))[0]
    assert good["grade"] == str(row["grade"]) and good["result"] == good["referable_dr_result"]
    for answer in row["answers"]:
        name = answer["target"]
        assert good[f"{name}_result"] == answer["result"] and float(good[f"{name}_score"]) == answer["score"]
        assert float(good[f"{name}_threshold"]) == answer["operating_point"]["threshold"]
    assert (rejected["any_dr_result"], rejected["any_dr_score"], rejected["grade"]) == ("not_gradable", "", "")
    assert (broken["any_dr_result"], broken["any_dr_threshold"]) == ("", "0.4")


def test_text_says_what_each_line_is_about(tmp_path):
    text = fovea_ok("screen", "--model", graded(tmp_path / "g.fovea"), SAMPLES[0])
    assert re.search(r"  result +(no )?signs of referable DR found \(target: referable diabetic retinopathy, grade 2 or more\)", text)
    assert re.search(r"  score +[0-9.]+ % for signs of referable DR; signs are reported from 50\.00 % on \(balanced\)", text)
    assert re.search(r"  any DR +(no )?signs found, [0-9.]+ %; signs are reported from 40\.00 % on", text)
    assert re.search(rf"  grade +[0-4] \(({'|'.join(LABELS)})\), [0-9.]+ %", text)
    alone = fovea_ok("screen", "--model", graded(tmp_path / "h.fovea", with_any_dr=False), SAMPLES[0])
    assert "any DR" not in alone and "  grade " in alone


def test_a_batch_is_resumed(tmp_path):
    model, whole, part = graded(tmp_path / "g.fovea"), tmp_path / "whole.csv", tmp_path / "part.csv"
    fovea_ok("screen", "--model", model, "--format", "csv", "--no-timings", "--output", whole, *SAMPLES[:3])
    lines = whole.read_text().splitlines(keepends=True)
    (tmp_path / "part.csv.part").write_text("".join(lines[:2]))
    fovea_ok("screen", "--model", model, "--format", "csv", "--no-timings", "--output", part, "--resume", *SAMPLES[:3])
    assert part.read_text() == whole.read_text()


def test_info_tells_the_points_of_both_questions(tmp_path):
    model = graded(tmp_path / "g.fovea")
    told = json.loads(fovea_ok("info", "--json", model))
    assert [point["name"] for point in told["operating_points"]] == ["balanced", "sensitive", "specific"]
    assert told["any_dr_operating_points"] == [{"name": "sensitive", "threshold": 0.0005}, {"name": "balanced", "threshold": 0.4}]
    assert re.search(r"for any DR +balanced, threshold 0\.4\n", fovea_ok("info", model))


@pytest.mark.parametrize("name", ["large352", "small352"])
@pytest.mark.parametrize("point", ["balanced", "sensitivity_95", "specificity_95"])
def test_the_shipped_detectors_answer_both_questions_at_every_point(point, name):
    folder = ROOT / "models" / "detectors" / name
    measured = json.loads((folder / f"{name}.validation.json").read_text())
    rows = jsonl(fovea_ok("screen", "--model", folder / f"{name}.fovea", "--format", "jsonl", "--operating-point", point, *SAMPLES))
    for row in rows:
        assert [answer["target"] for answer in row["answers"]] == ["any_dr", "referable_dr"] and row["typicality"]["verdict"] == "typical"
        assert [answer["operating_point"]["threshold"] for answer in row["answers"]] == [
            measured[figures]["thresholds"][point] for figures in ("figures", "referable_figures")]
    assert fovea("selftest", folder / f"{name}.fovea").returncode == 0
