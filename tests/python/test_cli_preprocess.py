# SPDX-License-Identifier: Apache-2.0
"""fovea preprocess: photos to the network's pictures, one or many."""
import hashlib
import os
import shutil

import numpy as np
import pytest
from cli_helpers import SAMPLES, fovea, fovea_ok, model, needs_binary, one_error  # noqa: F401

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary


def pixels(path):
    with Image.open(path) as image:
        assert image.format == "PNG" and image.mode == "RGB"
        return np.asarray(image)


def tree(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_one_photo(tmp_path):
    out = tmp_path / "out.png"
    assert fovea_ok("preprocess", SAMPLES[0], out) == ""
    picture = pixels(out)
    assert picture.shape == (512, 512, 3)
    assert not picture[0, 0].any()  # outside the circle
    assert abs(float(picture[200:312, 200:312].mean()) - 128) < 25  # Ben Graham's grey
    fovea_ok("preprocess", "--size", "224", "--no-circle-mask", SAMPLES[0], out)
    assert pixels(out).shape == (224, 224, 3)
    assert pixels(out)[0, 0].any()


def test_presets_and_options_change_the_picture(tmp_path):
    seen = set()
    for options in (
        [], ["--preset", "none"], ["--preset", "kaggle_circle"], ["--preset", "kaggle_circle_v2"], ["--preset", "graham2015"],
        ["--preset", "eyeq"], ["--sigma", "4"], ["--tolerance", "60"], ["--pad-square"], ["--resize", "cv_area"], ["--no-circle-mask"],
    ):
        fovea_ok("preprocess", "--size", "128", *options, SAMPLES[0], tmp_path / "x.png")
        assert pixels(tmp_path / "x.png").shape == (128, 128, 3), options
        seen.add((tmp_path / "x.png").read_bytes())
    assert len(seen) == 11


def test_a_models_preset_is_used(model, tmp_path):
    fovea_ok("preprocess", "--model", model, SAMPLES[0], tmp_path / "a.png")
    fovea_ok("preprocess", "--preset", "kaggle_ben_color", "--size", "32", SAMPLES[0], tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_many_photos_keep_their_names(tmp_path):
    source = tmp_path / "in"
    (source / "sub" / "deeper").mkdir(parents=True)
    shutil.copy(SAMPLES[0], source / "b.JPG")
    shutil.copy(SAMPLES[1], source / "sub" / "b.jpg")
    shutil.copy(SAMPLES[2], source / "sub" / "deeper" / "dots.in.name.jpeg")
    (source / "notes.txt").write_text("not a photo")
    (source / "sub" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    before = tree(source)
    results = []
    for jobs in (1, 3):
        out = tmp_path / f"out{jobs}" / "new"
        result = fovea("preprocess", "--size", "64", "--jobs", jobs, "--out-dir", out, source)
        assert result.returncode == 3
        errors = [line for line in result.stderr.splitlines() if line.startswith("fovea: ")]
        assert len(errors) == 1 and "broken.png" in errors[0]
        results.append(tree(out))
    assert results[0] == results[1]
    assert sorted(results[0]) == ["b.png", "sub/b.png", "sub/deeper/dots.in.name.png"]
    assert tree(source) == before


def test_lists_and_shards(tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "list.csv").write_bytes(b"\xef\xbb\xbfid_code,diagnosis\r\n\"IDRiD_008\",0\r\nIDRiD_037.jpg,1\r\nlost,2\r\nIDRiD_140,3\r\n")
    arguments = ["preprocess", "--size", "48", "--images", SAMPLES[0].parent, lists / "list.csv"]
    result = fovea(*arguments, "--out-dir", tmp_path / "whole")
    assert result.returncode == 3 and "lost" in result.stderr
    whole = tree(tmp_path / "whole")
    assert sorted(whole) == ["IDRiD_008.png", "IDRiD_037.png", "IDRiD_140.png"]
    for part in (1, 2, 3):
        fovea(*arguments, "--out-dir", tmp_path / "parts", "--shard", f"{part}/3")
    assert tree(tmp_path / "parts") == whole


def test_a_source_is_never_overwritten(tmp_path):
    photo = tmp_path / "photo.png"
    Image.open(SAMPLES[0]).save(photo)
    before = photo.read_bytes()
    os.symlink(photo, tmp_path / "link.png")
    os.link(photo, tmp_path / "hard.png")
    for out in (photo, tmp_path / "link.png", tmp_path / "hard.png"):
        one_error(fovea("preprocess", photo, out), 3, "overwrite")
    assert fovea("preprocess", "--out-dir", tmp_path, tmp_path).returncode == 3
    assert photo.read_bytes() == before


def test_a_second_photo_is_not_taken_for_the_output(tmp_path):
    for name in ("a.jpg", "b.JPG", "c"):
        shutil.copy(SAMPLES[1], tmp_path / name)
        before = (tmp_path / name).read_bytes()
        one_error(fovea("preprocess", SAMPLES[0], tmp_path / name), 2, name, ".png")
        assert (tmp_path / name).read_bytes() == before
    one_error(fovea("preprocess", SAMPLES[0], tmp_path / "new.jpg"), 2, "new.jpg")


def test_two_photos_never_share_an_output(tmp_path):
    (tmp_path / "in").mkdir()
    Image.open(SAMPLES[0]).save(tmp_path / "in" / "x.png")
    shutil.copy(SAMPLES[1], tmp_path / "in" / "x.jpg")
    result = fovea("preprocess", "--size", "32", "--out-dir", tmp_path / "out", tmp_path / "in")
    assert result.returncode == 3 and "x.png" in result.stderr
    assert sorted(tree(tmp_path / "out")) == ["x.png"]


def test_what_cannot_be_written_is_status_1(tmp_path):
    one_error(fovea("preprocess", "--size", "32", SAMPLES[0], tmp_path / "no" / "folder.png"), 1, "folder.png")
    one_error(fovea("preprocess", "--size", "32", SAMPLES[0], tmp_path), 1, "folder")
    one_error(fovea("preprocess", "--size", "32", SAMPLES[0], "/dev/full"), 1, "/dev/full", "space")
    (tmp_path / "file").write_text("x")
    one_error(fovea("preprocess", "--size", "32", "--out-dir", tmp_path / "file", SAMPLES[0]), 1, "file")
    # Nothing half made stays behind.
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_one_bad_photo_is_status_3(tmp_path):
    one_error(fovea("preprocess", tmp_path / "lost.jpg", tmp_path / "o.png"), 3, "lost.jpg", "no such file")
    (tmp_path / "empty.jpg").touch()
    one_error(fovea("preprocess", tmp_path / "empty.jpg", tmp_path / "o.png"), 3, "empty")
    assert not (tmp_path / "o.png").exists()
