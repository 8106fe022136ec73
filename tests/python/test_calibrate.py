# SPDX-License-Identifier: Apache-2.0
"""fovea-calibrate: what it fits, what it writes, what it refuses."""
import hashlib
import io
import json
import os
import shutil

import numpy as np
import pytest
from cli_helpers import SAMPLES, fovea, fovea_ok, jsonl, needs_binary, tiny_model

pytest.importorskip("sklearn")
from fovea_tools import calibration  # noqa: E402
from fovea_tools.commands.calibrate import main  # noqa: E402
from fovea_tools.file import fovea_file  # noqa: E402
from fovea_tools.file.fovea_file import read_fovea, read_sections  # noqa: E402

NO_SCORES = {"logits": None, "probabilities": None, "confidence": None}
NAMES = ("balanced", "sensitivity_95", "specificity_95")


def made_model(path, **changes):
    model = tiny_model()
    for name, value in changes.items():
        setattr(model, name, value)
    path.write_bytes(fovea_file.write_fovea(model))
    return path


def line(file, scores, model, **changes):
    """A line as fovea screen writes it. scores: the logits."""
    stored = read_fovea(model.read_bytes())
    probabilities = calibration.softmax([[0.0, *scores] if len(scores) == 1 else scores])[0].tolist()
    entry = {
        "file": file, "status": "ok", "error": None,
        "image": {"width": 9, "height": 9, "sha256": hashlib.sha256(file.encode()).hexdigest()},
        "quality": {"verdict": "good", "checks": []}, "typicality": None, "result": "dr_signs_found",
        "target": fovea_file.TARGETS[stored.target], "classes": stored.labels, "logits": scores, "probabilities": probabilities,
        "confidence": max(probabilities), "operating_point": {"name": "balanced", "threshold": 0.5}, "temperature": stored.temperature,
        "model": {"name": "tiny", "sha256": hashlib.sha256(model.read_bytes()).hexdigest(), "dtype": "fp32", "preset": "p",
                  "input": [9, 9, 3]},
        "engine": "fovea 0.1.0 avx2", "warnings": [], **changes,
    }
    return json.dumps(entry) + "\n"


def margins(seed, count, stretch=3.0):
    """Margins that are too sure by `stretch`, with the classes that they are about."""
    random = np.random.default_rng(seed)
    true = random.normal(0, 2, count)
    return (stretch * true).round(4), (random.random(count) < 1 / (1 + np.exp(-true))).astype(int)


@pytest.fixture
def case(tmp_path):
    """A model, its predictions of 200 photos and their labels."""
    model = made_model(tmp_path / "tiny.fovea")
    margin, positive = margins(1, 200)
    lines = [line(f"photos/p{i:03}.jpg", [0.5, float(0.5 + m)], model) for i, m in enumerate(margin)]
    lines += [
        line("photos/dark.jpg", [0.0, 0.0], model, **NO_SCORES, status="not_gradable", result="not_gradable",
             quality={"verdict": "reject", "checks": []}),
        line("photos/broken.jpg", [0.0, 0.0], model, **NO_SCORES, status="error", result=None, quality=None,
             error={"code": "not_an_image", "message": "no picture"}),
    ]
    (tmp_path / "results.jsonl").write_text("".join(lines))
    rows = [f"p{i:03},{2 * p}\n" for i, p in enumerate(positive)] + ["dark,1\n", "broken,0\n"]
    (tmp_path / "labels.csv").write_text("id_code,diagnosis\n" + "".join(rows))
    return tmp_path


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def run(*options, labels=("labels.csv",), output=("-o", "out.fovea")):
    return main(["tiny.fovea", "results.jsonl", *labels, *output, *map(str, options)])


def refused(capsys, status, folder, *parts, **options):
    extra = options.pop("extra", ())
    before = (folder / "tiny.fovea").read_bytes()
    assert run(*extra, **options) == status
    said = capsys.readouterr()
    errors = [text for text in said.err.splitlines() if ": warning: " not in text]
    assert len(errors) == 1 and errors[0].startswith("fovea-calibrate: "), said.err
    for part in parts:
        assert str(part) in errors[0], errors[0]
    assert said.out == "" and not (folder / "out.fovea").exists() and (folder / "tiny.fovea").read_bytes() == before


def test_the_file_holds_what_was_fitted(case, capsys):
    before = (case / "tiny.fovea").read_bytes()
    assert run("--report", "report.json") == 0
    margin, positive = margins(1, 200)
    logits = np.stack([np.full(200, 0.5), 0.5 + margin], axis=1)
    fit = calibration.fit_temperature(logits, positive)
    assert 2 < fit.value < 4.5
    model = read_fovea((case / "out.fovea").read_bytes())
    assert model.temperature == fit.value
    expected = calibration.operating_points(calibration.softmax(logits, fit.value)[:, 1], positive)
    assert dict(model.operating_points) == expected and [name for name, _ in model.operating_points] == list(NAMES)
    assert model.default_point == 0
    assert (case / "tiny.fovea").read_bytes() == before
    changed = {tag for tag, content in read_sections((case / "out.fovea").read_bytes()).items() if content != read_sections(before)[tag]}
    assert changed == {"STRS", "OPPT", "PROV"}
    facts = dict(model.provenance)
    assert facts["calibration_photos"] == "200: own 200; photos alike" and len(facts["calibration_data_sha256"]) == 64

    report = json.loads((case / "report.json").read_text())
    assert report["model"]["sha256"] == hashlib.sha256(before).hexdigest()
    assert report["calibrated"]["sha256"] == hashlib.sha256((case / "out.fovea").read_bytes()).hexdigest()
    assert report["temperature"] == {"before": 1.5, "after": fit.value, "at_bound": False}
    agreement = report["agreement"]["own"]
    for when, temperature in (("before", 1.5), ("after", fit.value)):
        probabilities = calibration.softmax(logits, temperature)
        assert agreement[when]["ece15"] == calibration.expected_calibration_error(probabilities, positive)
        assert agreement[when]["nll"] == calibration.negative_log_likelihood(probabilities, positive)
    assert agreement["after"]["nll"] < agreement["before"]["nll"] and agreement["after"]["ece15"] < agreement["before"]["ece15"]
    points = {point["name"]: point for point in report["operating_points"]}
    assert points["sensitivity_95"]["own"]["sensitivity"]["value"] >= 0.95
    assert points["specificity_95"]["own"]["specificity"]["value"] >= 0.95
    assert {problem["kind"]: problem["count"] for problem in report["problems"]} == {"not_gradable": 1, "unreadable": 1}

    said = capsys.readouterr()
    assert f"temperature 1.5000 -> {fit.value:.4f}" in said.out and "ECE before" in said.out and "sensitivity_95: threshold" in said.out
    assert "operating points sensitive, specific are dropped" in said.err and "not gradable" in said.err


def test_the_same_data_give_the_same_bytes(case):
    assert run() == 0
    first = (case / "out.fovea").read_bytes()
    lines = (case / "results.jsonl").read_text().splitlines(keepends=True)
    (case / "results.jsonl").write_text("".join(lines[::-1]))
    assert run() == 0
    assert (case / "out.fovea").read_bytes() == first
    labels = (case / "labels.csv").read_text()
    assert "p001,2" in labels
    (case / "labels.csv").write_text(labels.replace("p001,2", "p001,3"))
    assert run() == 0  # another grade, the same class: the same photos with the same labels
    assert (case / "out.fovea").read_bytes() == first
    (case / "labels.csv").write_text(labels.replace("p001,2", "p001,0"))
    assert run() == 0
    one, other = (dict(read_fovea(data).provenance)["calibration_data_sha256"] for data in (first, (case / "out.fovea").read_bytes()))
    assert one != other


def test_in_place_through_a_link(case):
    assert run() == 0
    (case / "real").mkdir()
    os.rename(case / "tiny.fovea", case / "real" / "m.fovea")
    os.symlink("real/m.fovea", case / "tiny.fovea")
    (case / "real" / "m.fovea").chmod(0o640)
    assert run(output=("--in-place",)) == 0
    assert (case / "tiny.fovea").is_symlink() and (case / "real" / "m.fovea").stat().st_mode & 0o777 == 0o640
    assert (case / "tiny.fovea").read_bytes() == (case / "out.fovea").read_bytes()
    assert os.listdir(case / "real") == ["m.fovea"]


def test_from_standard_input(case, monkeypatch, capsys):
    class Stdin:
        buffer = io.BytesIO((case / "results.jsonl").read_bytes())

    monkeypatch.setattr("sys.stdin", Stdin)
    assert main(["tiny.fovea", "-", "labels.csv", "-o", "out.fovea", "--quiet"]) == 0
    assert capsys.readouterr().out == "" and (case / "out.fovea").exists()


def test_balance_gives_every_source_and_class_the_same_weight(tmp_path):
    model = made_model(tmp_path / "tiny.fovea", default_point=1, operating_points=[("balanced", 0.5), ("sensitivity_95", 0.1)])
    parts = {"big": margins(2, 400, 4.0), "small": margins(3, 60, 1.0)}
    lines = ""
    for source, (margin, positive) in parts.items():
        lines += "".join(line(f"{source}/{i}.jpg", [0.0, float(m)], model) for i, m in enumerate(margin))
        (tmp_path / f"{source}.csv").write_text("image,level\n" + "".join(f"{i},{p}\n" for i, p in enumerate(positive)))
    (tmp_path / "results.jsonl").write_text(lines)
    labels = ("--labels", "big=big.csv", "--labels", "small=small.csv")
    temperatures = []
    for options in ((), ("--balance",)):
        assert run(*options, "--report", "report.json", labels=labels) == 0
        report = json.loads((tmp_path / "report.json").read_text())
        assert set(report["agreement"]) == {"big", "small", "pooled", "sources and classes alike"}
        temperatures.append(report["temperature"]["after"])
        fitted = read_fovea((tmp_path / "out.fovea").read_bytes())
        assert fitted.operating_points[fitted.default_point][0] == "sensitivity_95"  # as before
    margin = np.concatenate([parts["big"][0], parts["small"][0]])
    positive = np.concatenate([parts["big"][1], parts["small"][1]])
    weights = calibration.cell_weights(np.repeat(["big", "small"], [400, 60]), positive)
    logits = np.stack([np.zeros(460), margin], axis=1)
    assert temperatures == pytest.approx([calibration.fit_temperature(logits, positive, w).value for w in (None, weights)], rel=1e-7)
    assert temperatures[1] < temperatures[0]
    assert dict(read_fovea((tmp_path / "out.fovea").read_bytes()).provenance)["calibration_photos"] == (
        "460: big 400, small 60; sources and classes alike")


def test_only_the_validation_side_of_a_split_counts(case):
    assert run() == 0
    whole = read_fovea((case / "out.fovea").read_bytes()).temperature
    sides = ["validation" if i % 2 else "train" for i in range(200)]
    (case / "split.csv").write_text("name,side\n" + "".join(f"p{i:03},{side}\n" for i, side in enumerate(sides)))
    assert run("--split", "split.csv") == 0
    model = read_fovea((case / "out.fovea").read_bytes())
    margin, positive = margins(1, 200)
    logits = np.stack([np.zeros(200), margin], axis=1)[1::2]
    assert model.temperature == pytest.approx(calibration.fit_temperature(logits, positive[1::2]).value, rel=1e-7) != whole
    assert dict(model.provenance)["calibration_photos"].startswith("100: ")


def test_a_chosen_default_point(case):
    assert run("--default-operating-point", "specificity_95") == 0
    assert read_fovea((case / "out.fovea").read_bytes()).default_point == 2


def test_one_sigmoid_is_two_classes(tmp_path):
    model = made_model(tmp_path / "tiny.fovea", output_form=fovea_file.OUTPUT_ONE_SIGMOID)
    margin, positive = margins(1, 200)
    (tmp_path / "results.jsonl").write_text("".join(line(f"{i}.png", [float(m)], model) for i, m in enumerate(margin)))
    (tmp_path / "labels.csv").write_text("file,dr\n" + "".join(f"{i}.png,{'yes' if p else 'no'}\n" for i, p in enumerate(positive)))
    assert run() == 0
    expected = calibration.fit_temperature(np.stack([np.zeros(200), margin], axis=1), positive).value
    assert read_fovea((tmp_path / "out.fovea").read_bytes()).temperature == pytest.approx(expected, rel=1e-7)


def five_grades(folder, count=400):
    model = made_model(folder / "tiny.fovea", target=fovea_file.TARGETS.index("grade5"), labels=list("abcde"))
    random = np.random.default_rng(4)
    true = random.normal(0, 1.5, (count, 5)).round(4)
    grades = [int(random.choice(5, p=row)) for row in calibration.softmax(true)]
    (folder / "results.jsonl").write_text("".join(line(f"{i}.png", (2 * row).tolist(), model) for i, row in enumerate(true)))
    (folder / "labels.csv").write_text("id_code,diagnosis\n" + "".join(f"{i},{grade}\n" for i, grade in enumerate(grades)))
    return 2 * true, np.array(grades)


def test_five_grades_decide_on_grade_two_or_more(tmp_path):
    logits, grades = five_grades(tmp_path)
    assert run() == 0
    model = read_fovea((tmp_path / "out.fovea").read_bytes())
    assert model.temperature == pytest.approx(calibration.fit_temperature(logits, grades).value, rel=1e-7)
    score = calibration.softmax(logits, model.temperature)[:, 2:].sum(axis=1)
    assert dict(model.operating_points) == pytest.approx(calibration.operating_points(score, (grades >= 2).astype(int)), rel=1e-9)
    any_dr = calibration.softmax(logits, model.temperature)[:, 1:].sum(axis=1)
    assert dict(model.any_dr_points) == pytest.approx(calibration.operating_points(any_dr, (grades >= 1).astype(int)), rel=1e-9)


def test_five_grades_need_grades(tmp_path, capsys):
    five_grades(tmp_path)
    labels = (tmp_path / "labels.csv").read_text().splitlines()[1:]
    (tmp_path / "labels.csv").write_text("file,dr\n" + "".join(f"{row.split(',')[0]},{int(row[-1] != '0')}\n" for row in labels))
    refused(capsys, 1, tmp_path, "label does not tell the target")


def test_lines_of_fovea_run(case, capsys):
    assert run() == 0
    first = (case / "out.fovea").read_bytes()
    entries = [json.loads(text) for text in (case / "results.jsonl").read_text().splitlines()]
    entries = [{key: entry[key] for key in ("file", "logits", "probabilities")} for entry in entries]
    entries[-1]["error"] = {"code": "not_an_image", "message": "no picture"}
    (case / "results.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    capsys.readouterr()
    assert run() == 0
    assert "do not say by which model" in capsys.readouterr().err
    one, other = read_fovea(first), read_fovea((case / "out.fovea").read_bytes())
    assert (one.temperature, one.operating_points) == (other.temperature, other.operating_points)
    (case / "results.jsonl").write_text(json.dumps({"logits": [1, 2], "probabilities": [0.5, 0.5]}) + "\n")
    os.remove(case / "out.fovea")
    refused(capsys, 1, case, "results.jsonl:1: ", "names no photo")


# Refusals


def test_predictions_of_another_model(case, capsys):
    lines = (case / "results.jsonl").read_text().splitlines(keepends=True)
    other = made_model(case / "other.fovea", temperature=1.25)
    lines[41] = line("photos/p041.jpg", [0.0, 1.0], other)
    (case / "results.jsonl").write_text("".join(lines))
    ours, theirs = (hashlib.sha256((case / name).read_bytes()).hexdigest()[:12] for name in ("tiny.fovea", "other.fovea"))
    refused(capsys, 1, case, "results.jsonl:42: ", "another model", ours, theirs)


def test_missing_labels(case, capsys):
    text = (case / "labels.csv").read_text()
    (case / "labels.csv").write_text("".join(row for row in text.splitlines(keepends=True) if not row.startswith("p00")))
    refused(capsys, 1, case, "photos without a label", "(10)", "photos/p000.jpg", "--skip-unlabelled")
    assert run("--skip-unlabelled") == 0
    assert dict(read_fovea((case / "out.fovea").read_bytes()).provenance)["calibration_photos"].startswith("190: ")
    assert "photos without a label are left out (10)" in capsys.readouterr().err


def test_no_label_fits(case, capsys):
    (case / "labels.csv").write_text("id_code,diagnosis\nq1,0\nq2,1\n")
    refused(capsys, 1, case, "none of the 202 photos has a label")


def test_too_few_photos(case, capsys):
    lines = (case / "results.jsonl").read_text().splitlines(keepends=True)
    (case / "results.jsonl").write_text("".join(lines[:30]))
    refused(capsys, 1, case, "too few photos", "at least 20")


@pytest.mark.parametrize("grade,word", [(0, "without signs"), (3, "with signs")])
def test_one_class_only(case, capsys, grade, word):
    rows = (case / "labels.csv").read_text().splitlines()
    (case / "labels.csv").write_text("\n".join([rows[0], *(f"{row.split(',')[0]},{grade}" for row in rows[1:])]))
    refused(capsys, 1, case, f"all 200 photos have one class ({word})")


def test_labels_that_contradict_the_logits(case, capsys):
    rows = (case / "labels.csv").read_text().splitlines()
    (case / "labels.csv").write_text("\n".join([rows[0], *(f"{row[:-1]}{2 - int(row[-1])}" for row in rows[1:201]), *rows[201:]]))
    refused(capsys, 1, case, "do not tell the classes apart", "labels of these photos")


def test_photos_told_apart_without_a_mistake_are_warned_of(tmp_path, capsys):
    model = made_model(tmp_path / "tiny.fovea")
    (tmp_path / "results.jsonl").write_text("".join(line(f"{i}.png", [0.0, (1 + i % 7) * (1 if i % 2 else -1)], model) for i in range(60)))
    (tmp_path / "labels.csv").write_text("id_code,diagnosis\n" + "".join(f"{i},{i % 2}\n" for i in range(60)))
    assert run() == 0
    assert "told apart without a mistake" in capsys.readouterr().err


@pytest.mark.parametrize("changes,cause", [
    ({"target": 0}, "its target is 'other'"),
    ({"output_form": fovea_file.OUTPUT_SIGMOIDS}, "independent"),
    ({"labels": ["no", "some", "much"]}, "any_dr with 3 classes"),
])
def test_models_without_a_likelihood(case, capsys, changes, cause):
    made_model(case / "tiny.fovea", **changes)
    refused(capsys, 1, case, "tiny.fovea", cause)


@pytest.mark.parametrize("replacement,cause", [
    ({"logits": None}, "0 logits; the model has 2"),
    ({"logits": [1.0]}, "1 logits; the model has 2"),
    ({"logits": [1.0, 2.0, 3.0]}, "3 logits; the model has 2"),
    ({"logits": [1.0, "2"]}, "logits[1]"),
    ({"logits": [1.0, 10 ** 400]}, "logits[1]"),
    ({"logits": {"a": 1}}, "logits"),
    ({"file": 7}, "file"),
    ({"status": "fine"}, "status"),
])
def test_bad_lines_are_named(case, capsys, replacement, cause):
    lines = (case / "results.jsonl").read_text().splitlines(keepends=True)
    lines[2] = json.dumps({**json.loads(lines[2]), **replacement}) + "\n"
    (case / "results.jsonl").write_text("".join(lines))
    refused(capsys, 1, case, "results.jsonl:3: ", cause)


@pytest.mark.parametrize("data,parts", [
    (b"", ["results.jsonl: ", "no photo"]),
    (b"not json\n", ["results.jsonl:1: "]),
    (b"\xff\xfe\n", ["results.jsonl: this is UTF-16"]),
    (b"[" * 100_000, ["results.jsonl, photo 1: "]),
    (b'{"file": NaN}\n', ["results.jsonl:1: "]),
    (b"\0\0\0\n", ["results.jsonl:1: "]),
])
def test_hostile_predictions(case, capsys, data, parts):
    (case / "results.jsonl").write_bytes(data)
    refused(capsys, 1, case, *parts)


def test_predictions_cut_off_in_the_middle(case, capsys):
    data = (case / "results.jsonl").read_bytes()
    (case / "results.jsonl").write_bytes(data[: len(data) // 2])
    refused(capsys, 1, case, "cut off", "missing")


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "empty"])
def test_a_damaged_model(case, capsys, damage):
    data = bytearray((case / "tiny.fovea").read_bytes())
    data[len(data) // 2] ^= 4
    (case / "tiny.fovea").write_bytes({"cut": data[:500], "flip": bytes(data), "text": b"model\n", "empty": b""}[damage])
    refused(capsys, 4, case, "tiny.fovea")


def test_files_that_are_not_there(case, capsys):
    refused(capsys, 1, case, "lost.csv", labels=("lost.csv",))
    refused(capsys, 1, case, "lost.csv", extra=("--split", "lost.csv"))
    refused(capsys, 1, case, "no/out.fovea", "cannot be written", output=("-o", "no/out.fovea"))
    os.remove(case / "results.jsonl")
    refused(capsys, 1, case, "results.jsonl")


@pytest.mark.parametrize("arguments", [
    ["tiny.fovea", "results.jsonl", "labels.csv"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "-o", "x", "--in-place"],
    ["tiny.fovea", "results.jsonl", "-o", "x"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "-o", "tiny.fovea"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "-o", "./labels.csv"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "-o", "results.jsonl"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "-o", "x", "--report", "x"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "-o", "x", "--report", "tiny.fovea"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "--in-place", "--report", "tiny.fovea"],
    ["tiny.fovea", "results.jsonl", "--labels", "labels.csv", "-o", "x"],
    ["tiny.fovea", "results.jsonl", "--labels", "pooled=labels.csv", "-o", "x"],
    ["tiny.fovea", "results.jsonl", "labels.csv", "-o", "x", "--default-operating-point", "odd"],
    ["tiny.fovea"], [],
])
def test_wrong_usage(case, capsys, arguments):
    before = {entry.name: entry.read_bytes() for entry in case.iterdir()}
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2 and "fovea-calibrate: error: " in capsys.readouterr().err
    assert {entry.name: entry.read_bytes() for entry in case.iterdir()} == before


# With the engine


@pytest.fixture(scope="module")
def screened(tmp_path_factory):
    """Forty-eight different photos, screened by a made-up model, and labels that its logits tell apart, with mistakes."""
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path_factory.mktemp("screened")
    (folder / "photos").mkdir()
    for number in range(48):
        picture = np.asarray(image.open(SAMPLES[number % 3]).reduce(2), np.float32)
        picture = picture * (0.6 + 0.012 * number) * np.array([1, 0.8 + 0.01 * (number % 17), 1 - 0.01 * (number % 13)], np.float32)
        image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / "photos" / f"p{number:02}.png")
    (folder / "photos" / "broken.jpg").write_bytes(SAMPLES[0].read_bytes()[:5000])
    model = made_model(folder / "tiny.fovea")
    (folder / "results.jsonl").write_text(fovea("screen", "--model", model, "--format", "jsonl", folder / "photos").stdout)
    seen = {os.path.basename(p["file"]): p for p in jsonl((folder / "results.jsonl").read_text())}
    good = sorted((p["logits"][1] - p["logits"][0], name) for name, p in seen.items() if p["logits"])
    assert len(good) >= 44
    flips = {5, 9, len(good) // 2 - 3, len(good) // 2 + 2, len(good) - 8}
    rows = [f"{name},{int((rank >= len(good) // 2) != (rank in flips))}\n" for rank, (_, name) in enumerate(good)]
    rows += [f"{name},0\n" for name, p in seen.items() if not p["logits"]]
    (folder / "labels.csv").write_text("file,dr\n" + "".join(rows))
    return folder


@needs_binary
def test_the_engine_decides_as_the_report_says(screened, tmp_path):
    shutil.copytree(screened, tmp_path, dirs_exist_ok=True)
    assert run("--report", "report.json") == 0
    out = tmp_path / "out.fovea"
    assert "self-test passed" in fovea_ok("selftest", out)
    facts = json.loads(fovea_ok("info", out, "--json"))
    report = json.loads((tmp_path / "report.json").read_text())
    assert facts["temperature"] == report["temperature"]["after"] and facts["sha256"] == report["calibrated"]["sha256"]
    assert [point["name"] for point in facts["operating_points"]] == list(NAMES)
    labels = dict(row.split(",") for row in (tmp_path / "labels.csv").read_text().splitlines()[1:])
    for point in report["operating_points"]:
        photos = jsonl(fovea("screen", "--model", out, "--format", "jsonl", "--operating-point", point["name"], tmp_path / "photos").stdout)
        called = [(labels[os.path.basename(p["file"])], p["result"] == "dr_signs_found") for p in photos if p["status"] == "ok"]
        own = point["own"]
        assert own["sensitivity"]["k"] == sum(label == "1" and found for label, found in called)
        assert own["specificity"]["k"] == sum(label == "0" and not found for label, found in called)
        assert own["sensitivity"]["n"] + own["specificity"]["n"] == len(called) == report["photos"]["used"]
    # The engine's new probabilities have the likelihood that the report promises.
    true = [p["probabilities"][int(labels[os.path.basename(p["file"])])] for p in photos if p["status"] == "ok"]
    assert -np.log(true).mean() == pytest.approx(report["agreement"]["own"]["after"]["nll"], rel=1e-5)
    # Predictions of the file before are no predictions of the file after.
    os.rename(out, tmp_path / "tiny.fovea")
    assert run() == 1
