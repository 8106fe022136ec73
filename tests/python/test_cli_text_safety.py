# SPDX-License-Identifier: Apache-2.0
"""Whatever a name, a path or a model says: no line is broken, no terminal obeys, no spreadsheet computes, every reader can read."""
import csv
import io
import json
import os
import re
import shutil

import pytest
from cli_helpers import SAMPLES, fovea, fovea_ok, fovea_file, jsonl, model, needs_binary, tiny_model  # noqa: F401

pytestmark = needs_binary
EVIL = {
    "escape": "a\x1b[2J\x1b]0;title\x07b", "newline": "a\nfovea: b", "carriage return": "a\rb", "override": "a\u202egpj.exe", "isolate": "a\u2066b",
    "C1": "a\x9b31mb", "delete": "a\x7fb", "line separator": "a\u2028b", "zero width": "a\u200bb", "mark": "\ufeffa", "backspace": "a\bb",
    "tag": "a\U000e0041b", "tab": "a\tb", "next line": "a\x85b",
}
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]")


def say_everything(text):
    """A model that says it wherever a model can say something."""
    spoken = tiny_model(labels=(text, "dr"))
    spoken.names = [(text if name == "mean" else name, node) for name, node in spoken.names]
    spoken.provenance = [("model_name", text), *spoken.provenance[1:], ("note", text)]
    spoken.operating_points = [(text, 0.5)]
    return spoken


@pytest.mark.parametrize("name", EVIL)
def test_what_a_model_says(tmp_path, name):
    path = tmp_path / "m.fovea"
    path.write_bytes(fovea_file.write_fovea(say_everything(EVIL[name])))
    photo = SAMPLES[0]
    for command in (["screen", "-m", path, photo], ["screen", "-m", path, "-f", "csv", photo], ["info", "--plan", "--taps", path], ["selftest", path],
                    ["screen", "-m", path, "-f", "jsonl", photo], ["screen", "-m", path, "-f", "json", photo], ["info", "--json", "--taps", path],
                    ["screen", "-m", path, "--operating-point", "none", photo]):
        result = fovea(*command)
        assert not UNSAFE.search(result.stdout + result.stderr), (command, result.stdout, result.stderr)
        assert result.returncode == (2 if "none" in command else 0), result.stderr
        if "jsonl" in command:
            assert json.loads(result.stdout)["classes"][0] == EVIL[name]  # JSON keeps it, escaped
        if command[:2] == ["info", "--json"]:
            said = json.loads(result.stdout)
            assert EVIL[name] in said["tap_names"] and said["name"] == said["provenance"]["note"] == EVIL[name]
        if "csv" in command:
            assert [len(row) for row in csv.reader(io.StringIO(result.stdout))] == [len(result.stdout.splitlines()[0].split(","))] * 2


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("name", EVIL)
def test_what_a_path_says(model, tmp_path, name, broken):  # noqa: F811
    path = tmp_path / (EVIL[name] + ".jpg")
    if broken:
        path.write_text("no picture")
    else:
        shutil.copy(SAMPLES[0], path)
    for command in (["screen", "-m", model, path], ["screen", "-m", model, "-f", "csv", path], ["screen", "-m", model, "-f", "jsonl", path],
                    ["screen", "-m", model, "-f", "json", tmp_path], ["run", "-m", model, path], ["run", "-m", model, path, path],
                    ["screen", "-m", path, SAMPLES[0]], ["info", path], ["screen", "-m", model, "-o", path / "x", SAMPLES[0]],
                    ["screen", "-m", model, "--shard", EVIL[name], SAMPLES[0]], ["screen", "-m", model, "-f", EVIL[name], SAMPLES[0]],
                    [EVIL[name]], ["info", "--" + EVIL[name], model], ["run", "-m", model, "--size", EVIL[name], path],
                    ["preprocess", path, tmp_path / "out.png"], ["screen", "-m", model, "--isa", EVIL[name], path]):
        result = fovea(*command)
        assert not UNSAFE.search(result.stdout + result.stderr), (command, result.stdout, result.stderr)
        for line in result.stderr.splitlines():
            assert line.startswith("fovea: ") or re.match(r"\d+ photos?: ", line), line
    assert jsonl(fovea("screen", "-m", model, "-f", "jsonl", path).stdout)[0]["file"] == str(path)


def test_what_a_list_says(model, tmp_path):  # noqa: F811
    for number, text in enumerate(EVIL.values()):
        path = tmp_path / f"{number}.csv"
        path.write_text(text + ",x\n1,2\n", newline="")
        result = fovea("screen", "-m", model, path)
        assert not UNSAFE.search(result.stdout + result.stderr) and result.stderr.count("\n") == 1, result.stderr
        path.write_text('file,x\n"' + text + '",2\n', newline="")
        result = fovea("screen", "-m", model, "-f", "csv", path)
        assert not UNSAFE.search(result.stdout + result.stderr) and result.stderr.count("\n") == 1, result.stderr


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201", " =1", "\n=1", "a;=1", "a; =1", "\ufeff=1",
            "\u200b=1", "\x00=1".replace("\x00", "\x01"), "\xa0=1"]
STARTS = re.compile("^[\\s\ufeff\u200b]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(tmp_path, text):
    """Of a path, and of whatever a model says."""
    (tmp_path / "m.fovea").write_bytes(fovea_file.write_fovea(say_everything(text)))
    text = text.replace("/", "_")
    shutil.copy(SAMPLES[0], tmp_path / (text + ".jpg"))
    os.symlink("nowhere", tmp_path / (text + "2.jpg"))
    result = fovea("screen", "-m", "m.fovea", "-f", "csv", text + ".jpg", text + "2.jpg", cwd=tmp_path, executable=os.path.abspath(os.environ["FOVEA_BINARY"]))
    assert result.returncode == 3, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout, newline="")))
    assert len(rows) == 2, result.stderr
    # A spreadsheet whose separator is the semicolon cuts elsewhere.
    for row in csv.reader(io.StringIO(result.stdout, newline=""), delimiter=";"):
        for cell in row:
            assert not STARTS.match(cell), cell
    for row in rows:
        for column, cell in row.items():
            assert not STARTS.match(cell), (column, cell)


def test_a_path_that_begins_as_a_formula_still_leads_to_its_photo(model, tmp_path):  # noqa: F811
    shutil.copy(SAMPLES[0], tmp_path / "=1+1.jpg")
    binary = os.path.abspath(os.environ["FOVEA_BINARY"])
    text = fovea("screen", "-m", model, "-f", "csv", "=1+1.jpg", cwd=tmp_path, executable=binary).stdout
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["file"] == "./=1+1.jpg" and (tmp_path / row["file"]).exists() and row["status"] == "ok"


def test_a_byte_order_mark_on_request(model):  # noqa: F811
    plain = fovea("screen", "-m", model, "-f", "csv", "--no-timings", SAMPLES[0]).stdout
    marked = fovea("screen", "-m", model, "-f", "csv", "--no-timings", "--bom", SAMPLES[0]).stdout
    assert marked == "\ufeff" + plain and not plain.startswith("\ufeff")
    for style in ("json", "jsonl", "text"):
        result = fovea("screen", "-m", model, "-f", style, "--bom", SAMPLES[0])
        assert result.returncode == 2 and "--bom" in result.stderr


@pytest.mark.parametrize("raw", [b"caf\xe9", b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"a\xe2\x80"])
def test_names_that_are_no_utf8(model, tmp_path, raw):  # noqa: F811
    path = os.fsencode(tmp_path) + b"/" + raw + b".jpg"
    shutil.copy(SAMPLES[0], path)
    argument = os.fsdecode(path)
    for style in ("text", "csv", "json", "jsonl"):
        text = fovea_ok("screen", "-m", model, "-f", style, argument)  # decodes as UTF-8, or this fails
        assert "\ufffd.jpg" in text and "not valid UTF-8" in text, (style, text)


@pytest.mark.parametrize("data, status", [(b"no picture", 3), (None, 0)])
def test_warnings_are_told_of_photos_without_a_result_too(model, tmp_path, data, status):  # noqa: F811
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    if data is None:
        Image = pytest.importorskip("PIL.Image")
        Image.new("RGB", (640, 480)).save(os.fsdecode(path), format="PNG")
    else:
        with open(path, "wb") as file:
            file.write(data)
    result = fovea("screen", "-m", model, os.fsdecode(path))
    assert result.returncode == status and "no DR" not in result.stdout and "DR signs found" not in result.stdout
    assert re.search(r"^  warning +the name is not valid UTF-8", result.stdout, re.MULTILINE)
