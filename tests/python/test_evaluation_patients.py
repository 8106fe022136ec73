# SPDX-License-Identifier: Apache-2.0
"""Figures by patient: two eyes combined, beside the figures by photo; every figure held against scikit-learn's on a table made here."""
import collections
import html.parser
import re

import numpy as np
import pytest
from evaluation_helpers import THRESHOLD, error_line, evaluate, line, problems, write_labels, write_lines

sklearn = pytest.importorskip("sklearn")
pytest.importorskip("jinja2")
import sklearn.metrics  # noqa: E402


@pytest.fixture
def run(tmp_path):
    """Lines and {name: grade}, evaluated."""
    def make(lines, labels, *options, header="id_code,diagnosis"):
        return evaluate(write_lines(tmp_path / "p.jsonl", lines), write_labels(tmp_path / "labels.csv", labels, header), *options)
    return make


def patients(document, part=0):
    row, = document["parts"][part]["patients"]["sources"]
    return row


def counts(row, counting="gradable_only"):
    """(TN, FP, FN, TP)"""
    (tn, fp), (fn, tp) = row[counting]["at_threshold"]["confusion_rows_true"]
    return tn, fp, fn, tp


def cohort(seed, count=120):
    """[(patient, eye, grade, score or None)]: one to two eyes, one to three photos of each, some ungradable, some labels in conflict."""
    random = np.random.default_rng(seed)
    rows = []
    for patient in range(count):
        ill = random.random() < 0.4
        for eye in random.choice(["left", "right"], random.integers(1, 3), replace=False):
            grade = int(random.integers(0, 5)) if ill else 0
            for _ in range(random.integers(1, 4)):
                score = None if random.random() < 0.12 else float(np.round(np.clip(0.25 + 0.15 * grade + random.normal(0, 0.2), 0, 1), 3))
                rows.append((patient, eye, grade if random.random() < 0.95 else 0, score))
    return rows


def by_definition(rows):
    """{patient: (positive, called, gradable, score)}, from the rule as written in words."""
    found = {}
    for patient in dict.fromkeys(row[0] for row in rows):
        photos = [row for row in rows if row[0] == patient]
        scores = [score for *_, score in photos if score is not None]
        called = any(score >= THRESHOLD for score in scores)
        eyes = {eye for _, eye, _, _ in photos}
        seen = {eye for _, eye, _, score in photos if score is not None}
        found[patient] = (any(grade >= 1 for _, _, grade, _ in photos), called, called or eyes == seen, max(scores, default=0))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_figures_by_patient_are_scikit_learns(run, seed):
    rows = cohort(seed)
    names, number = [], collections.Counter()
    for patient, eye, _, _ in rows:
        number[patient, eye] += 1
        names.append(f"{patient}_{eye}_{number[patient, eye]}")
    document = run([line(f"in/{name}.jpg", row[3]) for name, row in zip(names, rows)], {name: row[2] for name, row in zip(names, rows)})
    expected = by_definition(rows)
    positive, called, gradable, score = (np.array(values) for values in zip(*expected.values()))
    row = patients(document)
    assert (row["cases"], row["groups"], row["positive"]) == (120, 120, int(positive.sum()))
    assert (row["imageability"]["k"], row["imageability"]["n"]) == (int(gradable.sum()), 120) and 0 < gradable.sum() < 120
    # What cannot be graded is referred and ranks above all others.
    for counting, here, calls, ranks in (("gradable_only", gradable, called, score),
                                         ("intention_to_screen", np.full(120, True), called | ~gradable, np.where(gradable, score, 2))):
        truth, predicted = positive[here], calls[here]
        found = row[counting]
        at = found["at_threshold"]
        assert at["confusion_rows_true"] == sklearn.metrics.confusion_matrix(truth, predicted).tolist()
        assert at["sensitivity"]["value"] == pytest.approx(sklearn.metrics.recall_score(truth, predicted), rel=1e-12)
        assert at["specificity"]["value"] == pytest.approx(sklearn.metrics.recall_score(~truth, ~predicted), rel=1e-12)
        assert at["ppv"]["value"] == pytest.approx(sklearn.metrics.precision_score(truth, predicted), rel=1e-12)
        assert at["npv"]["value"] == pytest.approx(sklearn.metrics.precision_score(~truth, ~predicted), rel=1e-12)
        assert at["accuracy"]["value"] == pytest.approx(sklearn.metrics.accuracy_score(truth, predicted), rel=1e-12)
        assert at["kappa"] == pytest.approx(sklearn.metrics.cohen_kappa_score(truth, predicted), rel=1e-12)
        assert found["roc_auc"]["value"] == pytest.approx(sklearn.metrics.roc_auc_score(truth, ranks[here]), rel=1e-12)
        assert found["average_precision"] == pytest.approx(sklearn.metrics.average_precision_score(truth, ranks[here]), rel=1e-12)
        # Patients are independent of each other: their intervals are Wilson's.
        assert at["sensitivity"]["clustered95"] == pytest.approx(at["sensitivity"]["wilson95"], rel=1e-12)
    calibration = row["gradable_only"]["calibration"]
    assert calibration["brier"] == pytest.approx(sklearn.metrics.brier_score_loss(positive[gradable], score[gradable]), rel=1e-12)
    # By photo the figures are those of the photos, and their intervals know of the patients.
    photos, = document["parts"][0]["sources"]
    assert (photos["cases"], photos["groups"], document["unit"]) == (len(rows), 120, "photo")
    share = photos["gradable_only"]["at_threshold"]["sensitivity"]
    assert np.diff(share["clustered95"]) > np.diff(share["wilson95"])


def test_every_figure_by_photo_is_there_by_patient(run):
    document = run([line(f"{n}_{eye}.jpg", 0.1 * n) for n in range(8) for eye in ("left", "right")],
                   {f"{n}_{eye}": n % 5 for n in range(8) for eye in ("left", "right")})
    photos, = document["parts"][0]["sources"]

    def keys(value):
        return {key: keys(item) for key, item in value.items()} if isinstance(value, dict) else None

    assert keys(patients(document)) == keys(photos) and patients(document)["cases"] == 8
    assert [row["cases"] for row in patients(document)["by_grade"]] == [2, 2, 2, 1, 1]


@pytest.mark.parametrize("eyes, expected", [
    # {eye and number: (grade, score)}: (positive, called, gradable)
    ({"left": (0, 0.1), "right": (2, 0.9)}, (True, True, True)),                            # either eye
    ({"left": (2, 0.1)}, (True, False, True)),                                              # one eye only
    ({"left": (0, 0.1), "right": (0, None)}, (False, None, False)),                         # an eye that cannot be graded, none positive
    ({"left": (0, 0.9), "right": (0, None)}, (False, True, True)),                          # one that cannot, and a positive one
    ({"left": (2, None), "right": (0, None)}, (True, None, False)),                         # neither eye
    ({"left": (0, 0.1), "left_2": (0, None), "right": (0, 0.1)}, (False, False, True)),     # a photo that was taken again
    ({"left_1": (0, None), "left_2": (0, None), "left_3": (0, 0.2)}, (False, False, True)),
    ({"left_1": (0, 0.1), "left_2": (0, 0.2), "left_3": (0, 0.9)}, (False, True, True)),    # more than two photos of an eye
    ({"left_1": (0, 0.1), "left_2": (2, 0.2)}, (True, False, True)),                        # labels that contradict each other
    ({"l1": (0, 0.1), "r2": (1, None)}, (True, None, False)),                               # as DeepDRiD names them
    ({"OD": (3, 0.8), "OS": (0, 0.1)}, (True, True, True)),
])
def test_eyes_of_one_patient(run, eyes, expected):
    lines = [line(f"7_{eye}.jpg", score) for eye, (_, score) in eyes.items()] + [line("8_left.jpg", 0.1), line("8_right.jpg", 0.1)]
    document = run(lines, {**{f"7_{eye}": grade for eye, (grade, _) in eyes.items()}, "8_left": 0, "8_right": 0})
    row, (positive, called, gradable) = patients(document), expected
    assert (row["cases"], row["positive"], row["imageability"]["k"]) == (2, positive, 1 + gradable)
    wanted = [1, 0, 0, 0]
    if gradable:
        wanted[2 * positive + called] += 1
    assert counts(row) == tuple(wanted)
    wanted = [1, 0, 0, 0]
    wanted[2 * positive + (called if gradable else True)] += 1
    assert counts(row, "intention_to_screen") == tuple(wanted)
    assert row["not_gradable_reasons"] == ({} if gradable else {"sharpness": 1})
    assert problems(document).get("eyes_contradict") == (["own/7"] if "left_2" in eyes and eyes["left_2"][0] == 2 else None)
    assert ("one_eye" in problems(document)) == (len({name[0] for name in eyes}) == 1 and "OD" not in eyes)


def test_patients_alone_and_photos_alone(run):
    lines, labels = [line("1_left.jpg", 0.9), line("1_right.jpg", 0.1), line("2_left.jpg", 0.1)], {"1_left": 1, "1_right": 0, "2_left": 0}
    both, photo, patient = run(lines, labels), run(lines, labels, "--per", "photo"), run(lines, labels, "--per", "patient")
    assert patients(both) == patient["parts"][0]["sources"][0] and patient["unit"] == "patient"
    assert photo["parts"][0]["patients"] is patient["parts"][0]["patients"] is None
    assert photo["parts"][0]["sources"] == both["parts"][0]["sources"]
    # A photo a patient: by patient there is nothing else to say.
    assert run(lines[1:], labels)["parts"][0]["patients"] is None


def test_the_patients_column(run):
    lines = [line("a.jpg", 0.9), line("b.jpg", None), line("c.jpg", 0.1), line("d.jpg", None), line("e.jpg", 0.2)]
    labels = {"a": "2,P1", "b": "0,P1", "c": "0,P2", "d": "0,P2", "e": "0,"}
    document = run(lines, labels, "--patient-column", "Patient", header="id_code,diagnosis,patient")
    assert counts(patients(document)) == (1, 0, 0, 1) and patients(document)["imageability"]["k"] == 2
    told = problems(document)
    assert told["no_patient"] == ["own/e"] and told["eyes_unknown"] == ["own/P1", "own/P2"]
    # With a column for the eye two photos of one are one eye.
    labels = {"a": "2,P1,L", "b": "0,P1,R", "c": "0,P2,OD", "d": "0,P2,OD", "e": "0,P3,OS"}
    document = run(lines, labels, header="file,grade,patient,eye")
    assert counts(patients(document)) == (2, 0, 0, 1) and patients(document)["imageability"]["k"] == 3


def test_an_eye_of_unknown_truth_or_without_a_readable_photo(run):
    lines = [line("1_left.jpg", 0.1), line("1_right.jpg", 0.1),      # the right eye's label does not tell, the left is well: left out
             line("2_left.jpg", 0.1), line("2_right.jpg", 0.1),      # the same, but the left is ill
             line("3_left.jpg", 0.1), error_line("3_right.jpg"),     # the right eye has no readable photo: not gradable
             line("4_left.jpg", 0.9), error_line("4_right.jpg"),     # the same, but the left is called
             line("5_left.jpg", 0.1), error_line("5_left_2.jpg"),    # another photo of the same eye could be read
             error_line("6_left.jpg")]                               # nothing known
    labels = {"1_left": 0, "1_right": "", "2_left": 1, "2_right": "", "3_left": 0, "3_right": 0, "4_left": 0, "4_right": 0, "5_left": 0,
              "5_left_2": 0, "6_left": 0}
    document = run(lines, labels)
    row = patients(document)
    assert counts(row) == (1, 1, 1, 0) and counts(row, "intention_to_screen") == (1, 2, 1, 0)
    assert row["not_gradable_reasons"] == {"unreadable": 1}
    assert problems(document)["patient_unknown"] == ["own/1"] and problems(document)["label_silent"] == ["own/1_right", "own/2_right"]


def test_labels_that_hold_for_the_patient_only_count_beside_the_photos(tmp_path):
    labels = tmp_path / "odir.csv"
    labels.write_text("ID,N,D,G,C,A,H,M,O\n7,1,0,0,0,0,0,0,0\n8,0,1,0,0,0,0,0,0\n")
    lines = [line(f"{name}.jpg", score) for name, score in (("7_left", 0.1), ("7_right", 0.2), ("8_left", 0.1), ("8_right", 0.9))]
    document = evaluate(write_lines(tmp_path / "p.jsonl", lines), labels)
    assert document["parts"][0]["sources"][0]["cases"] == 2 and counts(patients(document)) == (1, 0, 0, 1)


class Text(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text = ""
        self.feed(text)

    def handle_data(self, data):
        self.text += data


def test_page_and_summary_show_patients_beside_photos(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    from fovea_tools.commands import evaluate as command
    lines = [line(f"{source}/{n}_{eye}.jpg", 0.1 * ((3 * n) % 10)) for source in ("one", "two") for n in range(10) for eye in ("left", "right")]
    source = write_lines(tmp_path / "p.jsonl", lines)
    options = [option for name in ("one", "two") for option in ("--labels", f"{name}=" + str(write_labels(
        tmp_path / f"{name}.csv", {f"{n}_{eye}": n % 3 for n in range(10) for eye in ("left", "right")})))]
    assert command.main([str(source), *options, "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    for name in ("one", "two", "pooled"):
        photos, here = (re.search(rf"^{name}{unit} +all +gradable +(\d+) +(\d+)", told, re.MULTILINE) for unit in ("", ", by patient"))
        assert int(photos[1]) == 2 * int(here[1]) and int(photos[2]) == 2 * int(here[2])
        assert f"imageability {name}, by patient: 100.0" in told
    assert "mean of the sources' AUCs by patient: " in told
    page = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("one, by patient") > 8 and "By patient. ROC curves" in Text(page).text
    document = evaluate(source, *options)
    for row in document["parts"][0]["patients"]["sources"]:
        value = row["gradable_only"]["at_threshold"]["sensitivity"]
        low, high = value["clustered95"]
        assert f"{100 * value['value']:.1f} % ({100 * low:.1f}–{100 * high:.1f}; {value['k']}/{value['n']})" in Text(page).text


def test_real_labels_by_patient(tmp_path, fovea_data):
    """EyePACS's own label file: as many patients as its names have, and their worse eye counts."""
    labels = fovea_data / "eyepacs-small" / "labels.csv"
    rows = [row.split(",")[:2] for row in labels.read_text().split()[1:]]
    random = np.random.default_rng(3)
    scores = {name: float(np.round(np.clip(0.3 + 0.1 * int(grade) + random.normal(0, 0.2), 0, 1), 4)) for name, grade in rows}
    document = evaluate(write_lines(tmp_path / "p.jsonl", [line(f"{name}.jpeg", scores[name]) for name, _ in rows]), labels)
    worst, best = collections.defaultdict(int), collections.defaultdict(float)
    for name, grade in rows:
        patient = name.rsplit("_", 1)[0]
        worst[patient], best[patient] = max(worst[patient], int(grade)), max(best[patient], scores[name])
    row = patients(document)
    assert (row["cases"], row["positive"]) == (len(worst), sum(grade > 0 for grade in worst.values())) and len(worst) < len(rows)
    truth = np.array([worst[patient] > 0 for patient in worst])
    assert row["gradable_only"]["roc_auc"]["value"] == pytest.approx(
        sklearn.metrics.roc_auc_score(truth, [best[patient] for patient in worst]), rel=1e-12)
