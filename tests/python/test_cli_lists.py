# SPDX-License-Identifier: Apache-2.0
"""Lists of photos as they come: from spreadsheets, from other programs, from fovea itself; and advice that works when followed."""
import csv
import io
import json
import os
import shutil

import pytest
from cli_helpers import SAMPLES, fovea, fovea_ok, jsonl, model, needs_binary  # noqa: F401

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary
NAMES = ["IDRiD_008.jpg", "IDRiD_037.jpg"]


@pytest.fixture
def folder(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in NAMES:
        shutil.copy(SAMPLES[0].parent / name, photos / name)
    return photos


def screen(model, *arguments, style="jsonl", **options):  # noqa: F811
    return fovea("screen", "--model", model, "--format", style, "--no-timings", *arguments, **options)


TABLES = {
    "separator line": "sep=;\nphoto;grade\nIDRiD_008;0\nIDRiD_037;2\n",
    "separator line with CRLF": "sep=;\r\nfile;grade\r\nIDRiD_008;0\r\nIDRiD_037;2\r\n",
    "separator line with a mark": "\ufeffsep=;\r\nfile;grade\r\nIDRiD_008;0\r\nIDRiD_037;2\r\n",
    "separator line in quotes": '"sep=;"\nfile;grade\nIDRiD_008;0\nIDRiD_037;2\n',
    "separator line in capitals": "SEP=;\nfile;grade\nIDRiD_008;0\nIDRiD_037;2\n",
    "separator line with blanks": "sep=; \nfile;grade\nIDRiD_008;0\nIDRiD_037;2\n",
    "separator line as a row": "sep=;;;\nfile;grade;a\nIDRiD_008;0;\nIDRiD_037;2;\n",
    "separator line of a comma": "sep=,\nfile,grade\nIDRiD_008,0\nIDRiD_037,2\n",
    "separator line of a tab": "sep=\t\nfile\tgrade\nIDRiD_008\t0\nIDRiD_037\t2\n",
    "separator line of a bar": "sep=|\nfile|grade\nIDRiD_008|0\nIDRiD_037|2\n",
    "blank lines before": "\n\nfile,grade\nIDRiD_008,0\nIDRiD_037,2\n",
    "blank lines before semicolons": "\n\nfile;grade\nIDRiD_008;0\nIDRiD_037;2\n",
    "tabs": "photo\tgrade\nIDRiD_008\t0\nIDRiD_037\t2\n",
    "semicolons and a comma in a name": 'grade;"a, b";photo\n0;x;IDRiD_008\n2;y;IDRiD_037\n',
    "semicolons and commas in plain names": "photo;right, left;x\nIDRiD_008;0;1\nIDRiD_037;2;1\n",
    "photo": "Photo\nIDRiD_008.jpg\nIDRiD_037.jpg\n",
    "old Macintosh": "photo,x\rIDRiD_008,1\rIDRiD_037,2",
    "floats": "file,grade\nIDRiD_008,0.0\nIDRiD_037,2.0\n",
    "no-break spaces": "file\u00a0,grade\nIDRiD_008\u00a0,0\n\u3000 IDRiD_037.jpg\u202f\t,2\n",
    "separators behind the last field": "file,grade\nIDRiD_008,0,\nIDRiD_037,2,, ,\n",
    "another column twice": "file,x,x\nIDRiD_008,0,1\nIDRiD_037,2,1\n",
    "a better column than the one that is there twice": "image,image,file\nx,y,IDRiD_008\nx,y,IDRiD_037\n",
    "file beside image": "image,file\nx,IDRiD_008\ny,IDRiD_037\n",
}


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize("name", TABLES)
def test_tables(model, folder, name, ending):  # noqa: F811
    path = folder / f"list.{ending}"
    path.write_bytes(TABLES[name].encode())
    result = screen(model, path)
    assert result.returncode == 0, result.stderr
    assert [os.path.basename(row["file"]) for row in jsonl(result.stdout)] == NAMES


JSONS = {
    "array of names": json.dumps(NAMES),
    "array of objects": json.dumps([{"file": name, "grade": 1} for name in NAMES], indent=2),
    "photo": json.dumps([{"photo": name, "error": {"file": "x"}} for name in NAMES]),
    "without ending": json.dumps([name[:-4] for name in NAMES]),
    "lines of names": "".join(json.dumps(name) + "\n" for name in NAMES),
    "lines": "".join(json.dumps({"image": name}) + "\r\n\r\n" for name in NAMES),
    "mark": "\ufeff" + json.dumps(NAMES),
    "blank before": "\n \t\n" + json.dumps(NAMES),
    "file before image": json.dumps([{"image": {"width": 5}, "file": name} for name in NAMES]),
    "nested arrays in rows": json.dumps([{"classes": ["file", ["a"]], "file": name, "model": {"file": "no"}} for name in NAMES]),
}


@pytest.mark.parametrize("ending", ["json", "jsonl", "JSON"])
@pytest.mark.parametrize("name", JSONS)
def test_json(model, folder, name, ending):  # noqa: F811
    path = folder / f"list.{ending}"
    path.write_text(JSONS[name])
    result = screen(model, path)
    assert result.returncode == 0, result.stderr
    assert [os.path.basename(row["file"]) for row in jsonl(result.stdout)] == NAMES


BAD = {
    "list.json": [
        ("", "the file is empty"), (" \n", "the list is empty"), ("{", "line 1 is not valid JSON"), ('["a"', "not valid JSON"), ("[1.5]", "neither"), ("[]", "the list names no photo"), ("[\n]\n", "the list names no photo"),
        ("[[\"a\"]]", "neither"), ("[null]", "neither"), ("3.5\n", "neither"), ("[1, 2]", "neither"), ("7\n", "neither"), ("[" * 100000, "neither"), ('["a"] x', "not valid JSON"),
        ('[{"grade": 1}]', "entry 1 names no photo"), ('[""]', "entry 1 names no photo"), ('["\\ud800"]', "not valid JSON"),
        ('{"photos": [' + "[" * 200000, "not valid JSON"),
    ],
    "list.csv": [
        ("sep=;\n", "the list is empty"), ("file,grade\n", "the list names no photo"), ("sep=;\r\nfile;x\r\n\r\n", "the list names no photo"), ("sep=;\ngrade;x\n1;2\n", "no column named file"), ("a,b\nIDRiD_008,1\n", "it has: a, b"),
        ("file,grade\na.jpg,0\nb,c.jpg,2\n", "line 3 has 3 columns, the header names 2"), ("file,x\n\n\"a\nb\",1,2\n", "line 3 has 3 columns"),
        ("File,x, file \na,1,b\n", "line 1: the header names the column 'file' twice"), ("grade,x\n1,2\n", "no column named file, path, image, photo or id_code;"),
        ("file;x\n;2\n", "line 2 names no photo"), ("sep=;\nfile;x\n;2\n", "line 3 names no photo"), ('file\n"a" b\n', "line 2"),
    ],
}


@pytest.mark.parametrize("name, text, words", [(name, *case) for name, cases in BAD.items() for case in cases], ids=lambda value: str(value)[:24])
def test_bad_lists_are_named(model, tmp_path, name, text, words):  # noqa: F811
    (tmp_path / name).write_text(text)
    result = screen(model, tmp_path / name)
    assert result.returncode == 3
    assert result.stderr.count("\n") == 1 and f"{tmp_path / name}: " in result.stderr and words in result.stderr


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "tsv"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_named(model, tmp_path, ending, encoding):  # noqa: F811
    path = tmp_path / f"list.{ending}"
    path.write_bytes(("file\nIDRiD_008\n" if ending.endswith("sv") else '["IDRiD_008", "IDRiD_037"]').encode(encoding))
    result = screen(model, path)
    assert result.returncode == 3 and result.stderr.count("\n") == 1
    assert ("UTF-16" if encoding != "utf-32" else "UTF-") in result.stderr and "save it as UTF-8" in result.stderr


@pytest.mark.parametrize("style", ["json", "jsonl", "csv"])
def test_results_are_a_list_again(model, folder, tmp_path, style):  # noqa: F811
    """From wherever the results were written to; errors among them are looked at again."""
    (folder / "text.jpg").write_text("no picture")
    shutil.copy(folder / NAMES[0], folder / "=1+1.jpg")
    shutil.copy(folder / NAMES[0], folder / "a, \"b\";c.jpg")
    results = tmp_path / "elsewhere" / f"first.{style}"
    results.parent.mkdir()
    for place, base in ((str(folder), None), ("photos", tmp_path), (".", folder)):
        binary = os.path.abspath(os.environ["FOVEA_BINARY"])
        first = screen(model, place, "--output", results, style=style, cwd=base, executable=None if base is None else binary)
        assert first.returncode == 3, first.stderr
        second = screen(model, results, style=style, cwd=base, executable=None if base is None else binary)
        assert second.returncode == 3, second.stderr
        assert second.stdout == results.read_text()


@pytest.mark.parametrize("style", ["json", "jsonl"])
def test_odd_names_come_back_in_json(model, folder, tmp_path, style):  # noqa: F811
    shutil.copy(folder / NAMES[0], folder / "new\nline \u202egpj.exe \x1b[31m.jpg")
    first = screen(model, folder, "--output", tmp_path / f"first.{style}", style=style)
    assert first.returncode == 0, first.stderr
    assert fovea_ok("screen", "--model", model, "--format", style, "--no-timings", tmp_path / f"first.{style}") == (tmp_path / f"first.{style}").read_text()


def test_two_photos_of_one_name(model, folder):  # noqa: F811
    with Image.open(folder / NAMES[0]) as image:
        image.save(folder / "IDRiD_008.png")
    path = folder / "list.csv"
    path.write_text("id_code\nIDRiD_008\nIDRiD_037\n")
    result = screen(model, path)
    assert result.returncode == 3
    rows = jsonl(result.stdout)
    assert [row["status"] for row in rows] == ["error", "ok"] and rows[0]["error"]["code"] == "ambiguous"
    assert "IDRiD_008.jpg and IDRiD_008.png" in result.stderr and "give the name with its ending" in result.stderr
    # The advice, followed.
    path.write_text("id_code\nIDRiD_008.png\nIDRiD_037\n")
    rows = jsonl(fovea_ok("screen", "--model", model, "--format", "jsonl", path))
    assert [os.path.basename(row["file"]) for row in rows] == ["IDRiD_008.png", "IDRiD_037.jpg"]


@pytest.mark.parametrize("ending", [".jpg", ".JPG", ".Jpg", ".jpe", ".jfif", ".JFIF", ".JPE", ".jif", ".png", ".Png", ".tif", ".heic", ".HEIC", ".webp", ".dcm", ".bmp"])
def test_a_name_without_its_ending(model, tmp_path, ending):  # noqa: F811
    """Endings as in a folder: a photo that cannot be read is found all the same, and said to be so."""
    shutil.copy(SAMPLES[0], tmp_path / ("12.5_left" + ending))
    (tmp_path / "list.csv").write_text("image\n12.5_left\n")
    rows = jsonl(fovea_ok("screen", "--model", model, "--format", "jsonl", tmp_path / "list.csv"))
    assert [(row["file"], row["status"]) for row in rows] == [(str(tmp_path / ("12.5_left" + ending)), "ok")]


def test_the_csv_of_the_results_is_plain_to_other_readers(model, folder):  # noqa: F811
    text = fovea_ok("screen", "--model", model, "--format", "csv", folder)
    assert [os.path.basename(row["file"]) for row in csv.DictReader(io.StringIO(text, newline=""))] == NAMES


def test_a_list_that_names_what_is_no_file(model, tmp_path):  # noqa: F811
    (tmp_path / "album").mkdir()
    (tmp_path / "12").mkdir()
    shutil.copy(SAMPLES[0], tmp_path / "12.jpg")
    (tmp_path / "list.csv").write_text("file\nalbum\n12\n/dev/null\nlost\n")
    result = screen(model, tmp_path / "list.csv")
    assert result.returncode == 3
    assert [(row["error"] or {}).get("message") for row in jsonl(result.stdout)] == ["it is a folder", None, "it is not a regular file", "no such file"]
