# SPDX-License-Identifier: Apache-2.0
"""What is said beside the results: warnings by every verb that decodes, one of a thing in the singular, lists of other kinds by name."""
import io
import shutil

import pytest
from cli_helpers import SAMPLES, fovea, fovea_ok, jsonl, model, needs_binary, one_error, write_model  # noqa: F401

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary


@pytest.fixture
def doubtful(tmp_path):
    """A photo that is read with a warning: its colour profile is none."""
    photo = tmp_path / "doubtful.png"
    stream = io.BytesIO()
    with Image.open(SAMPLES[0]) as image:
        image.save(stream, format="PNG", icc_profile=b"no profile at all" * 20)
    photo.write_bytes(stream.getvalue())
    return photo


def test_every_verb_that_decodes_prints_the_same_warnings(model, doubtful, tmp_path):  # noqa: F811
    [row] = jsonl(fovea_ok("screen", "-m", model, "-f", "jsonl", doubtful))
    [warning] = row["warnings"]
    expected = f"fovea: {doubtful}: warning: {warning}"
    single = fovea("preprocess", doubtful, tmp_path / "one.png")
    assert single.returncode == 0 and single.stderr.splitlines() == [expected]
    folder = fovea("preprocess", "--out-dir", tmp_path / "out", doubtful, SAMPLES[0])
    assert folder.returncode == 0 and folder.stderr.splitlines()[0] == expected and folder.stderr.count("warning") == 1
    run = fovea("run", "-m", write_model(tmp_path / "any.fovea", any_size=True), doubtful)
    assert run.returncode == 0 and run.stderr.splitlines() == [expected]


def test_one_of_a_thing_is_said_in_the_singular(model, tmp_path):  # noqa: F811
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_text("no picture")
    (photos / "notes.txt").write_text("of a visit")
    says = fovea("screen", "-m", model, photos).stderr.splitlines()[-1]
    assert says.startswith("1 photo: 0 with DR signs, 0 without, 0 not gradable, 1 error; 1 file that is no picture; ")
    says = fovea("preprocess", "--out-dir", tmp_path / "out", photos).stderr.splitlines()[-1]
    assert says.startswith("1 photo: 0 written, 1 failed; 1 file that is no picture; ")
    shutil.copy(photos / "a.jpg", photos / "b.jpg")
    says = fovea("screen", "-m", model, photos).stderr.splitlines()[-1]
    assert says.startswith("2 photos: 0 with DR signs, 0 without, 0 not gradable, 2 errors; ")


@pytest.mark.parametrize("name", ["photos.txt", "photos.LST", "photos.list", "photos.xlsx", "photos.ods"])
def test_a_list_of_another_kind_is_told_so(model, tmp_path, name):  # noqa: F811
    path = tmp_path / name
    path.write_text("a.jpg\nb.jpg\n")
    result = fovea("screen", "-m", model, "-f", "jsonl", path)
    one_error(result, 3, path, "as a list it must be .csv or .tsv with a column file, path, image, photo or id_code, .json, or .jsonl")
    assert jsonl(result.stdout)[0]["error"]["code"] == "bad_list"
    one_error(fovea("preprocess", path, tmp_path / "out.png"), 3, path, "as a list it must be")
    one_error(fovea("preprocess", "--out-dir", tmp_path / "out", path), 3, path, "as a list it must be")


def test_a_photo_of_any_name_is_no_list(model, tmp_path):  # noqa: F811
    shutil.copy(SAMPLES[0], tmp_path / "photo.txt")
    assert jsonl(fovea_ok("screen", "-m", model, "-f", "jsonl", tmp_path / "photo.txt"))[0]["status"] == "ok"


@pytest.mark.parametrize("name", ["list.csv", "list.tsv", "list.json", "list.JSONL"])
def test_a_list_where_one_photo_is_asked_for_is_told_so(tmp_path, name):
    (tmp_path / name).write_text("file\na.jpg\n")
    one_error(fovea("preprocess", tmp_path / name, tmp_path / "out.png"), 2, name, "it is a list: give --out-dir DIR")


def test_an_empty_name_is_told_so(model, tmp_path):  # noqa: F811
    one_error(fovea("screen", "-m", model, "-f", "jsonl", ""), 3, "a file's name is empty")
    one_error(fovea("preprocess", "", tmp_path / "out.png"), 3, "a file's name is empty")


@pytest.mark.parametrize("arguments", [
    ["screen", "-m", "", "PHOTO"], ["screen", "-m", "MODEL", "PHOTO", "--output", ""], ["screen", "-m", "MODEL", "PHOTO", "--format", ""],
    ["screen", "-m", "MODEL", "list.csv", "--images", ""], ["explain", "-m", "MODEL", "PHOTO", "--overlay", ""], ["preprocess", "PHOTO", ""],
    ["run", "-m", "MODEL", "PHOTO", "--dump", "", "--taps", "all"], ["info", ""], ["selftest", ""],
    *(["preprocess", "PHOTO", "o.png", "--preset", "eyeq", option, ""]
      for option in ("--size", "--sigma", "--tolerance", "--graham-scale", "--scaled-decoding")),
    *(["explain", "-m", "MODEL", "PHOTO", option, ""] for option in ("--seed", "--noise", "--threads")),
    ["screen", "-m", "MODEL", "PHOTO", "--jobs", ""]])
def test_a_value_that_is_empty_is_no_default(model, arguments):  # noqa: F811
    """As what a shell makes of a variable that is not set."""
    one_error(fovea(*({"MODEL": model, "PHOTO": SAMPLES[0]}.get(word, word) for word in arguments)), 2, "is empty")


@pytest.mark.parametrize("option", ["--percentile", "--opacity"])
@pytest.mark.parametrize("value", ["nan", "-nan", "NAN"])
def test_what_is_no_number_is_in_no_range(model, option, value):  # noqa: F811
    one_error(fovea("explain", "-m", model, SAMPLES[0], f"{option}={value}"), 2, option, value)
