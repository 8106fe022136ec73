# SPDX-License-Identifier: Apache-2.0
"""What fovea screen takes from a folder: every picture, whatever its name; a row for those it cannot read; nothing in silence."""
import os
import pathlib
import re
import shutil
import socket

import numpy as np
import pytest
from cli_helpers import SAMPLES, fovea, jsonl, model, needs_binary, one_error  # noqa: F401

from fovea_tools import label_sets

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary


def screen(model, *arguments):  # noqa: F811
    result = fovea("screen", "--model", model, "--format", "jsonl", "--no-timings", *arguments)
    return result, jsonl(result.stdout)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "name", ["a.dat", "a.jfif", "a.jpe", "a.JPE", "a.JFIF", "a.jif", "a", "a.tmp", "a.jpg.1", "a.1.2.840.10008", "a.JPG~", "a.png", "a.txt", "a.tif"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_screened_under_any_ending(model, photos, name, kind):  # noqa: F811
    if kind == "JPEG":
        shutil.copy(SAMPLES[0], photos / name)
    else:
        with Image.open(SAMPLES[0]) as image:
            image.save(photos / name, format="PNG")
    result, rows = screen(model, photos)
    assert result.returncode == 0, result.stderr
    assert [(row["file"], row["status"]) for row in rows] == [(str(photos / name), "ok")]
    assert result.stderr == ""  # one photo, nothing left out


def tiff():
    return b"II*\0" + bytes(200)


def heif(brand):
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(200)


UNREADABLE = {
    "a.tif": tiff(), "a.TIFF": b"MM\0*" + bytes(200), "a.heic": heif(b"heic"), "a.HEIC": heif(b"mif1"), "a.avif": heif(b"avif"),
    "a.webp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(200), "a.dcm": bytes(128) + b"DICM" + bytes(200), "a.bmp": b"BM" + bytes(200),
    "a.gif": b"GIF89a" + bytes(200), "a.jp2": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200), "a.jxl": b"\xff\x0a" + bytes(200),
    # By what they hold, where the name tells nothing.
    "tif": tiff(), "IM000001": bytes(128) + b"DICM" + bytes(200), "heic.dat": heif(b"hevc"), "big.bin": b"II+\0" + bytes(200),
    "webp.tmp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(200), "bmp.dat": b"BM\x36\x0c\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0" + bytes(200),
    "jxl.dat": b"\xff\x0a\xfa\x7f" + bytes(200), "jls.dat": b"\xff\xd8\xff\xf7" + bytes(200),
    # By their names, where they hold nothing of the kind.
    "empty.tif": b"", "empty.jpg": b"", "text.heic": b"text", "short.dcm": b"x",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_picture_that_cannot_be_read_gets_a_row(model, photos, name):  # noqa: F811
    (photos / name).write_bytes(UNREADABLE[name])
    shutil.copy(SAMPLES[0], photos / "z.jpg")
    result, rows = screen(model, photos)
    assert result.returncode == 3
    assert [(row["file"], row["status"]) for row in rows] == [(str(photos / name), "error"), (str(photos / "z.jpg"), "ok")]
    assert rows[0]["error"]["code"] and rows[0]["error"]["message"]
    lines = result.stderr.splitlines()
    assert len(lines) == 2 and str(photos / name) in lines[0] and lines[1].startswith("2 photos:") and "1 error;" in lines[1]


def test_a_picture_of_another_format_is_named(model, photos):  # noqa: F811
    for name, format_name, data in [("x.tif", "TIFF", tiff()), ("x.webp", "WebP", UNREADABLE["a.webp"]), ("x.dcm", "DICOM", UNREADABLE["a.dcm"]),
                                    ("x.heic", "HEI", heif(b"heic"))]:
        path = photos / name
        path.write_bytes(data)
        one_error(screen(model, path)[0], 3, path, format_name)


@pytest.mark.parametrize("ending", [".orf", ".rw2", ".x3f", ".raf", ".ico", ".pcx", ".tga", ".psd", ".exr", ".fda", ".E2E", ".pnm"])
def test_pictures_of_rare_kinds_get_rows(model, photos, ending):  # noqa: F811
    shutil.copy(SAMPLES[0], photos / "z.jpg")
    (photos / f"a{ending}").write_bytes(bytes(range(1, 200)))
    result, rows = screen(model, photos)
    assert result.returncode == 3
    assert [(row["file"], row["status"]) for row in rows] == [(str(photos / f"a{ending}"), "error"), (str(photos / "z.jpg"), "ok")]


def test_program_and_label_reader_know_the_same_endings():
    source = (pathlib.Path(__file__).parents[2] / "engine" / "cli" / "picture_kind.cpp").read_text()
    known = re.findall(r'"(\.\w+)"sv', source[source.index("kEndings") : source.index("};")])
    assert known == list(label_sets.PICTURE_ENDINGS) and len(set(known)) == len(known)


def test_what_is_no_picture_is_counted(model, photos):  # noqa: F811
    shutil.copy(SAMPLES[0], photos / "a.jpg")
    (photos / "deep").mkdir()
    for name in ("readme.txt", "deep/Thumbs.db", "labels.csv", ".hidden.jpg", "deep/empty", "deep/model.onnx"):
        (photos / name).write_bytes(b"" if name.endswith("empty") else b"no picture")
    os.mkfifo(photos / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.getcwd()
        os.chdir(photos)  # a socket's path is short
        try:
            bound.bind("socket")
        finally:
            os.chdir(here)
        result, rows = screen(model, photos)
    assert result.returncode == 0
    assert [row["file"] for row in rows] == [str(photos / "a.jpg")]
    assert result.stderr.count("\n") == 1 and "; 8 files that are no pictures; " in result.stderr
    for name in ("deep/Thumbs.db", "deep/empty", "deep/model.onnx", ".hidden.jpg", "labels.csv"):
        (photos / name).unlink()
    (photos / "pipe").unlink()
    (photos / "socket").unlink()
    assert "; 1 file that is no picture; " in screen(model, photos)[0].stderr


def test_hidden_pictures_and_folders_are_counted_apart(model, photos):  # noqa: F811
    shutil.copy(SAMPLES[0], photos / "a.jpg")
    (photos / "._a.jpg").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")  # what macOS puts beside a picture
    (photos / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    assert "; 2 files that are no pictures; " in screen(model, photos)[0].stderr
    for name in ("._a.jpg", ".DS_Store"):
        (photos / name).unlink()
    shutil.copy(SAMPLES[1], photos / ".hidden.jpg")
    result, rows = screen(model, photos)
    assert result.returncode == 0 and [row["file"] for row in rows] == [str(photos / "a.jpg")]
    assert "; 1 hidden picture or folder, not looked into; " in result.stderr and "no picture" not in result.stderr
    (photos / ".thumbnails").mkdir()
    shutil.copy(SAMPLES[2], photos / ".thumbnails" / "b.jpg")
    (photos / ".linked").symlink_to(".thumbnails", target_is_directory=True)
    (photos / "readme.txt").write_text("x")
    result, rows = screen(model, photos)
    assert [row["file"] for row in rows] == [str(photos / "a.jpg")]
    assert "; 1 file that is no picture; 3 hidden pictures or folders, not looked into; " in result.stderr
    # Named, they are photos like any other.
    _, rows = screen(model, photos / ".hidden.jpg", photos / ".thumbnails")
    assert [row["file"] for row in rows] == [str(photos / ".hidden.jpg"), str(photos / ".thumbnails" / "b.jpg")]


def test_a_folder_without_a_picture_is_an_error(model, photos):  # noqa: F811
    (photos / "readme.txt").write_text("x")
    result, rows = screen(model, photos)
    assert result.returncode == 3 and rows[0]["error"]["code"] == "not_found"
    assert "there is no photo in the folder" in result.stderr and "1 file that is no picture" in result.stderr


def test_links_are_followed_each_folder_once(model, photos, tmp_path):  # noqa: F811
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "more").mkdir(parents=True)
    shutil.copy(SAMPLES[0], elsewhere / "e.jpg")
    shutil.copy(SAMPLES[1], elsewhere / "more" / "m.jpg")
    shutil.copy(SAMPLES[2], tmp_path / "single.jpg")
    (photos / "own").mkdir()
    shutil.copy(SAMPLES[2], photos / "own" / "o.jpg")
    (photos / "linked").symlink_to(elsewhere, target_is_directory=True)
    (photos / "again").symlink_to("../elsewhere", target_is_directory=True)
    (photos / "a_link_to_own").symlink_to("own", target_is_directory=True)
    (photos / "photo.jpg").symlink_to(tmp_path / "single.jpg")
    # Round in circles: to itself, to the folder, to what lies above it, from what is linked back.
    (photos / "self").symlink_to(".", target_is_directory=True)
    (photos / "own" / "up").symlink_to("..", target_is_directory=True)
    (photos / "above").symlink_to(tmp_path, target_is_directory=True)
    (elsewhere / "back").symlink_to(photos, target_is_directory=True)
    (elsewhere / "more" / "round").symlink_to(elsewhere, target_is_directory=True)
    result, rows = screen(model, photos)
    assert result.returncode == 0, result.stderr
    assert [os.path.relpath(row["file"], photos) for row in rows] == ["again/e.jpg", "again/more/m.jpg", "own/o.jpg", "photo.jpg"]
    assert all(row["status"] == "ok" for row in rows)
    # Through a link to the folder, the same.
    door = tmp_path / "door"
    door.symlink_to(photos, target_is_directory=True)
    assert [os.path.relpath(row["file"], door) for row in screen(model, door)[1]] == ["again/e.jpg", "again/more/m.jpg", "own/o.jpg", "photo.jpg"]


def test_links_that_lead_nowhere_get_rows(model, photos):  # noqa: F811
    shutil.copy(SAMPLES[0], photos / "z.jpg")
    (photos / "lost.jpg").symlink_to("gone.jpg")
    (photos / "lost_folder").symlink_to("/gone/for/good", target_is_directory=True)
    (photos / "circle.jpg").symlink_to("circle.jpg")
    (photos / "one").symlink_to("two")
    (photos / "two").symlink_to("one")
    result, rows = screen(model, photos)
    assert result.returncode == 3
    assert {os.path.basename(row["file"]): row["status"] for row in rows} == {
        "lost.jpg": "error", "lost_folder": "error", "circle.jpg": "error", "one": "error", "two": "error", "z.jpg": "ok"}
    assert all(row["error"] is None or row["error"]["message"] == "the link leads nowhere" for row in rows)
    assert result.stderr.count("the link leads nowhere") == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_what_may_not_be_read_gets_a_row(model, photos):  # noqa: F811
    shutil.copy(SAMPLES[0], photos / "a.dat")
    (photos / "closed").mkdir()
    (photos / "a.dat").chmod(0)
    (photos / "closed").chmod(0)
    try:
        result, rows = screen(model, photos)
    finally:
        (photos / "closed").chmod(0o700)
    assert result.returncode == 3 and [row["error"]["code"] for row in rows] == ["not_readable", "not_readable"]


def test_the_order_is_that_of_the_bytes(model, photos):  # noqa: F811
    names = ["B.jpg", "a.jpg", "a/x.jpg", "a.b/x.jpg", "ä.jpg", "z.jpg"]
    for name in names:
        path = photos / name
        if path.parent != photos and not path.parent.exists():
            path.parent.mkdir()
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path, format="PNG")
    for locale in ("C", "C.UTF-8", "de_DE.UTF-8"):
        result = fovea("screen", "--model", model, "--format", "jsonl", photos, env={"LC_ALL": locale})
        assert [row["file"] for row in jsonl(result.stdout)] == sorted((str(photos / name) for name in names), key=os.fsencode)


def test_preprocess_walks_the_same_folder(photos, tmp_path):
    (photos / "deep").mkdir()
    shutil.copy(SAMPLES[0], photos / "deep" / "a.dat")
    shutil.copy(SAMPLES[1], photos / "b.jfif")
    (photos / "c.tif").write_bytes(tiff())
    (photos / "readme.txt").write_text("x")
    (photos / "loop").symlink_to(".", target_is_directory=True)
    result = fovea("preprocess", "--size", "64", "--out-dir", tmp_path / "out", photos)
    assert result.returncode == 3
    assert str(photos / "c.tif") in result.stderr.splitlines()[0] and "1 file that is no picture" in result.stderr.splitlines()[-1]
    made = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert made == ["b.png", "deep/a.png"], made
