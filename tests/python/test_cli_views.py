# SPDX-License-Identifier: Apache-2.0
"""fovea screen --views: what the answer is the mean of, by a mean in NumPy of runs of the network, and where the results say so."""
import csv
import io
import json

import numpy as np
import pytest
from cli_helpers import ROOT, SAMPLES, fovea, fovea_ok, jsonl, model, needs_binary, one_error  # noqa: F401

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary
DETECTORS = sorted((ROOT / "models" / "detectors").glob("small224/*.fovea"))
# By how many are asked for: (turned by so many quarters, mirrored before).
VIEWS = {1: [(0, 0)], 2: [(0, 0), (0, 1)], 4: [(k, 0) for k in range(4)], 8: [(k, m) for k in range(4) for m in range(2)]}


def view(pixels, turns, mirrored):
    return np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)


def screened_text(model, *options):  # noqa: F811
    return fovea_ok("screen", "--model", model, "--format", "jsonl", "--no-timings", "--force", *options)


def screened(model, *options):  # noqa: F811
    return jsonl(screened_text(model, *options))


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda path: path.stem)
def test_the_logits_are_the_means_of_runs_on_the_turned_picture(detector, tmp_path):
    """Float models and 8-bit ones. The circle mask, which is not symmetric, lies on every view as on a photo."""
    fovea_ok("preprocess", "--model", detector, SAMPLES[0], tmp_path / "masked.png")
    fovea_ok("preprocess", "--size", 224, "--resize", "cv_area", "--scaled-decoding", 2, "--no-circle-mask", SAMPLES[0], tmp_path / "whole.png")
    whole, masked = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("whole", "masked"))
    y, x = np.mgrid[:224, :224] - 112
    inside = (x * x + y * y <= 112 * 112)[..., None]
    np.testing.assert_array_equal(masked, whole * inside)
    for views, ways in VIEWS.items():
        for number, way in enumerate(ways):
            Image.fromarray(view(whole, *way) * inside).save(tmp_path / f"{number}.png")
        runs = jsonl(fovea_ok("run", "--model", detector, *(tmp_path / f"{number}.png" for number in range(len(ways))),
                              *([tmp_path / "0.png"] if len(ways) == 1 else [])))
        expected = np.mean([run["logits"] for run in runs], axis=0)
        photo, = screened(detector, "--views", views, SAMPLES[0])
        np.testing.assert_allclose(photo["logits"], expected, rtol=0, atol=2e-7 * np.abs(expected).max())
        assert photo.get("views") == (views if views > 1 else None)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda path: path.stem)
def test_a_turned_photo_gets_the_same_answer(detector, tmp_path):
    """To the rounding of the preprocessing, which is not that of the turned photo: a few grey levels of a few pixels."""
    pixels = np.asarray(Image.open(SAMPLES[1]).convert("RGB"))
    for number, way in enumerate(VIEWS[8]):
        Image.fromarray(np.ascontiguousarray(view(pixels, *way))).save(tmp_path / f"{number}.png", compress_level=1)

    def margins(views):
        return np.array([photo["logits"][1] - photo["logits"][0] for photo in screened(detector, "--views", views, tmp_path)])

    assert np.ptp(margins(8)) < 0.03 < 0.3 < np.ptp(margins(1))


@pytest.mark.parametrize("style", ["text", "json", "jsonl", "csv"])
def test_results_say_how_many_views_where_there_are_several(model, style):  # noqa: F811
    def output(*options):
        return fovea_ok("screen", "--model", model, "--format", style, "--no-timings", *options, SAMPLES[0])

    assert output("--views", 1) == output() and "views" not in output().replace(str(SAMPLES[0]), "")
    several = output("--views", 4)
    assert len({output("--views", 4, "--threads", threads, "--jobs", threads) for threads in (1, 2, 5)} | {several}) == 1
    if style == "text":
        assert "\n  views       the mean of 4 views of the photo, turned or mirrored\n" in several
    elif style == "csv":
        row, = csv.DictReader(io.StringIO(several, newline=""))
        plain, = csv.DictReader(io.StringIO(output(), newline=""))
        assert row["views"] == "4" and [name for name in row if name != "views"] == list(plain)
    else:
        photo = json.loads(several)[0] if style == "json" else json.loads(several)
        assert photo["views"] == 4 and list(photo)[list(photo).index("views") - 1] == "temperature"


@pytest.mark.parametrize("number", ["0", "3", "16", "-8", "eight", "", "8.5", "99999999999999999999"])
def test_numbers_of_views_that_there_are_not(model, number):  # noqa: F811
    one_error(fovea("screen", "--model", model, f"--views={number}", SAMPLES[0]), 2, "--views")


def test_evaluation_and_report_tell_the_views(model, tmp_path, capsys):  # noqa: F811
    pytest.importorskip("jinja2")
    pytest.importorskip("sklearn")
    from fovea_tools.commands import evaluate, report
    results, labels, out = tmp_path / "results.jsonl", tmp_path / "labels.csv", tmp_path / "out"
    labels.write_text("file,grade\n" + "".join(f"{path.name},{number}\n" for number, path in enumerate(SAMPLES)))
    lines = {views: screened_text(model, "--views", views, *SAMPLES).splitlines(keepends=True) for views in (1, 8)}
    for views, text in lines.items():
        results.write_text("".join(text))
        assert evaluate.main([str(results), str(labels), "--out", str(out)]) == 0
        assert report.main([str(results), "--output", str(tmp_path / "page.html")]) == 0
        assert ("8 views" in capsys.readouterr().out) == (views == 8)
        assert json.loads((out / "evaluation.json").read_text())["model"]["views"] == views
        for page in (out / "evaluation.html", tmp_path / "page.html"):
            assert ("mean of 8 turned or mirrored views" in page.read_text()) == (views == 8)
    results.write_text("".join(lines[1][:1] + lines[8][1:]))
    assert evaluate.main([str(results), str(labels)]) == 1
    error = capsys.readouterr().err
    assert "2 models or settings" in error and "8 views" in error


def test_calibration_takes_no_mixture_of_views(model, tmp_path, capsys):  # noqa: F811
    pytest.importorskip("sklearn")
    from fovea_tools.commands import calibrate
    lines = {views: screened_text(model, "--views", views, *SAMPLES).splitlines(keepends=True) for views in (1, 8)}
    (tmp_path / "labels.csv").write_text("file,grade\n" + "".join(f"{path.name},{number}\n" for number, path in enumerate(SAMPLES)))
    (tmp_path / "results.jsonl").write_text("".join(lines[1][:1] + lines[8][1:]))
    assert calibrate.main([str(model), str(tmp_path / "results.jsonl"), str(tmp_path / "labels.csv"), "-o", str(tmp_path / "x.fovea")]) == 1
    assert "results.jsonl:2: this prediction is the mean of 8 views, others of 1" in capsys.readouterr().err
