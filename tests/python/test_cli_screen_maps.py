# SPDX-License-Identifier: Apache-2.0
"""fovea screen --explain: a map for each result, where the results say, as fovea explain draws it."""
import csv
import io
import json
import shutil

import numpy as np
import pytest
from cli_helpers import ROOT, SAMPLES, fovea, fovea_ok, jsonl, model, needs_binary, one_error  # noqa: F401
from PIL import Image

pytestmark = needs_binary
MODEL = ROOT / "tests" / "golden" / "data" / "networks" / "small96" / "model.fovea"


@pytest.fixture
def photos(tmp_path):
    """Two photos in folders, a dark one that is not gradable, and a file that is none."""
    folder = tmp_path / "photos"
    (folder / "a").mkdir(parents=True)
    shutil.copy(SAMPLES[0], folder / "a" / "x.jpg")
    shutil.copy(SAMPLES[1], folder / "y.jpg")
    Image.new("RGB", (400, 400)).save(folder / "dark.png")
    (folder / "z.jpg").write_bytes(b"\xff\xd8\xff none")
    return folder


def screened(photos, maps, *options, status=3):
    result = fovea("screen", "-m", MODEL, "--explain", maps, "--no-timings", *options, photos)
    assert result.returncode == status, result.stderr
    return result.stdout


def test_each_result_has_its_map(photos, tmp_path):
    maps = tmp_path / "maps"
    rows = {row["file"]: row for row in jsonl(screened(photos, maps, "--format", "jsonl"))}
    plain = {row["file"]: row for row in jsonl(fovea("screen", "-m", MODEL, "--no-timings", "--format", "jsonl", photos).stdout)}
    for name in ("a/x.jpg", "y.jpg"):
        row = dict(rows[str(photos / name)])
        told = row.pop("explanation")
        assert row == plain[str(photos / name)]
        assert told["overlay"] == str(maps / f"{name}.png") and told["method"] == "integrated" and told["class"] == "dr"
        alone = json.loads(fovea_ok("explain", "-m", MODEL, photos / name, "--overlay", tmp_path / "over.png"))
        assert told["photo_area"] == alone["photo_area"]
        assert (maps / f"{name}.png").read_bytes() == (tmp_path / "over.png").read_bytes()
    for name in ("dark.png", "z.jpg"):
        assert rows[str(photos / name)]["explanation"] is None
    assert sorted(path.relative_to(maps).as_posix() for path in maps.rglob("*.png")) == ["a/x.jpg.png", "y.jpg.png"]


def test_the_other_formats_name_the_maps(photos, tmp_path):
    maps = tmp_path / "maps"
    rows = list(csv.DictReader(io.StringIO(screened(photos, maps, "--format", "csv", "--explain-method", "attention", "--jobs", "2"))))
    assert [row["overlay"] for row in rows] == [str(maps / "a" / "x.jpg.png"), "", str(maps / "y.jpg.png"), ""]
    text = screened(photos, maps, "--explain-method", "gradcam")
    assert text.count("  heat map    ") == 2 and str(maps / "y.jpg.png") in text
    timed = jsonl(fovea("screen", "-m", MODEL, "--explain", maps, "--format", "jsonl", photos / "y.jpg").stdout)[0]
    assert timed["timings_ms"]["explain"] > 0
    assert "explanation" not in jsonl(fovea_ok("screen", "-m", MODEL, "--format", "jsonl", photos / "y.jpg"))[0]


def test_parts_and_taken_up_runs_give_the_bytes_of_the_whole(photos, tmp_path):
    maps, results = tmp_path / "maps", tmp_path / "results.jsonl"
    whole = screened(photos, maps, "--format", "jsonl")
    parts = [screened(photos, maps, "--format", "jsonl", "--shard", f"{part}/2", status=status) for part, status in ((1, 0), (2, 3))]
    assert "".join(parts) == whole
    first = whole.splitlines(keepends=True)[0]
    (tmp_path / "results.jsonl.part").write_text(first)
    (maps / "y.jpg.png").unlink()
    screened(photos, maps, "--format", "jsonl", "--output", results, "--resume")
    assert results.read_text() == whole and (maps / "y.jpg.png").exists()


def test_maps_that_would_be_lost_are_refused(photos, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(SAMPLES[2], other / "y.jpg")
    one_error(fovea("screen", "-m", MODEL, "--explain", tmp_path / "maps", photos / "y.jpg", other / "y.jpg"), 2, "same name")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(photos / "y.jpg.png")
    one_error(fovea("screen", "-m", MODEL, "--explain", photos, photos), 2, "overwrite the photo")
    (tmp_path / "file").write_text("no folder")
    one_error(fovea("screen", "-m", MODEL, "--explain", tmp_path / "file" / "maps", SAMPLES[0]), 1, "file")
    assert not (tmp_path / "maps").exists()


def test_the_report_shows_the_maps(photos, tmp_path):
    pytest.importorskip("jinja2")
    from fovea_tools.commands.report import main
    screened(photos, tmp_path / "maps", "--format", "jsonl", "--output", tmp_path / "results.jsonl")
    assert main([str(tmp_path / "results.jsonl"), "-o", str(tmp_path / "page.html"), "--photos", str(photos)]) == 0
    assert (tmp_path / "page.html").read_text().count('<img class="map"') == 2
