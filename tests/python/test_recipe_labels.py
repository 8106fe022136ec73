# SPDX-License-Identifier: Apache-2.0
"""The training recipe's folders: a label file joined with the pictures beside it. Label files themselves: test_labels.py."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import labels  # noqa: E402

PICTURE = b"\xff\xd8\xff\xe0 and so on: only the beginning is read here"


@pytest.fixture
def folder(tmp_path):
    def make(text, pictures, encoding="utf-8"):
        (tmp_path / "images").mkdir()
        for name in pictures:
            (tmp_path / "images" / name).write_bytes(PICTURE)
        (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
        return tmp_path
    return make


def names_and_grades(photos):
    return [(p.name, p.grade) for p in photos]


def test_labels_and_pictures_are_joined(folder):
    photos, left_out, _ = labels.read_folder("aptos", folder("id_code,diagnosis\na1,0\nb2,4\n", ["a1.png", "b2.JPG"]))
    assert names_and_grades(photos) == [("a1", 0), ("b2", 4)]
    assert left_out == []
    assert {p.source for p in photos} == {"aptos"}
    assert photos[1].path.name == "b2.JPG"


def test_patients_are_known(folder):
    text = "image,level\n10_left,0\n10_right,1\n100_left,2\nodd,0\n"
    photos, _, _ = labels.read_folder("eyepacs", folder(text, [f"{n}.jpeg" for n in ("10_left", "10_right", "100_left", "odd")]))
    assert [p.patient for p in photos] == ["10", "10", "100", "odd"]


def test_ids_with_picture_endings_and_folders(folder):
    text = 'file,grade\n"images/a1.png",1\nb.2,2\n'
    photos, _, _ = labels.read_folder("own", folder(text, ["a1.png", "b.2.jpg"], encoding="utf-8-sig"))
    assert names_and_grades(photos) == [("a1", 1), ("b.2", 2)]


def test_photos_without_a_file_or_a_grade_are_told(folder):
    text = "file,grade,gradable\na,0,1\ngone,1,1\nblurred,,0\nrejected,2,0\n"
    photos, left_out, _ = labels.read_folder("own", folder(text, ["a.png", "blurred.png", "rejected.png"]))
    assert names_and_grades(photos) == [("a", 0)]
    assert left_out == ["gone", "blurred", "rejected"]


def test_yes_and_no_are_enough_and_the_grade_may_be_unknown(folder):
    text = "file,grade,dr,site\na,-1,1,x\nb,,no,x\nc,,yes,\nd,3,1,y\ne,NA,,y\n"
    photos, left_out, _ = labels.read_folder("own", folder(text, ["a.png", "b.png", "c.png", "d.png", "e.png"]))
    assert names_and_grades(photos) == [("a", labels.UNKNOWN_GRADE), ("b", 0), ("c", labels.UNKNOWN_GRADE), ("d", 3)]
    assert [photo.site for photo in photos] == ["x", "x", "", "y"] and left_out == ["e"]


@pytest.mark.parametrize("text, expected", [
    ("name,label\na,0\n", "no known pair of columns"),
    ("id_code,diagnosis\na,5\n", "labels.csv:2: grade '5'"),
    ("id_code,diagnosis\nx,0\ny,1\n", "none of its 2 photos"),
    ("file,grade\none/a,0\ntwo/a,0\n", "two photos named 'a'"),
])
def test_unusable_files_are_refused_by_name_and_cause(folder, text, expected):
    with pytest.raises(labels.LabelError) as error:
        labels.read_folder("own", folder(text, ["a.png", "b.png"]))
    assert expected in str(error.value)
    assert "labels.csv" in str(error.value)


def test_two_pictures_of_one_name_are_refused(folder):
    with pytest.raises(labels.LabelError, match="two pictures named 'a'"):
        labels.read_folder("own", folder("id_code,diagnosis\na,1\n", ["a.png", "a.jpg"]))


def test_linked_folders_are_followed_once_and_without_end(folder, tmp_path_factory):
    place = folder("file,grade\na,0\nb,1\n", ["a.png"])
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "deep").mkdir()
    (elsewhere / "deep" / "b.jpg").write_bytes(PICTURE)
    (place / "images" / "linked").symlink_to(elsewhere)
    (elsewhere / "round").symlink_to(place)
    (place / "images" / "nowhere.jpg").symlink_to(place / "none.jpg")
    photos, left_out, _ = labels.read_folder("own", place)
    assert names_and_grades(photos) == [("a", 0), ("b", 1)] and left_out == []
    assert photos[1].path == place / "images" / "linked" / "deep" / "b.jpg"


def test_missing_folder_and_label_file(tmp_path):
    with pytest.raises(labels.LabelError, match="no such folder"):
        labels.read_folder("own", tmp_path / "nowhere")
    with pytest.raises(labels.LabelError, match="found 0"):
        labels.read_folder("own", tmp_path)


@pytest.mark.parametrize("name", ["a.jfif", "a.JPE", "a.dcm", "a.jif", "a.Tif", "a"])
def test_a_jpeg_or_png_is_one_under_any_name(folder, name):
    place = folder("file,grade\na,0\nb,1\n", [name])
    (place / "images" / "b.PNG").write_bytes(b"\x89PNG\r\n\x1a\n")
    photos, left_out, unread = labels.read_folder("own", place)
    assert names_and_grades(photos) == [("a", 0), ("b", 1)] and left_out == unread == []


def test_what_fovea_does_not_read_is_named(folder):
    place = folder("file,grade\na.tif,0\nb.webp,1\nc,2\nd.jfif,3\n", ["d.jfif", ".c.jpg"])
    (place / "images" / "a.tif").write_bytes(b"II*\0")
    (place / "images" / "b.webp").write_bytes(b"RIFF    WEBP")
    (place / "images" / "notes.txt").write_text("of no photo")
    photos, left_out, unread = labels.read_folder("own", place)
    assert names_and_grades(photos) == [("d", 3)] and left_out == ["a", "b", "c"]
    assert [file.name for file in unread] == ["a.tif", "b.webp"]
    assert "neither JPEG nor PNG" in labels.unread_note(unread) and "a.tif" in labels.unread_note(unread)
    (place / "images" / "d.jfif").unlink()
    with pytest.raises(labels.LabelError, match="none of its 4 photos.*neither JPEG nor PNG: .*a.tif, .*b.webp"):
        labels.read_folder("own", place)
