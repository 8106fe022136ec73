# SPDX-License-Identifier: Apache-2.0
"""The label reader of the training recipe: each data set's traps."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import labels  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    def make(text, pictures, encoding="utf-8"):
        (tmp_path / "images").mkdir()
        for name in pictures:
            (tmp_path / "images" / name).write_bytes(b"not read here")
        (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
        return tmp_path
    return make


def names_and_grades(photos):
    return [(p.name, p.grade) for p in photos]


def test_aptos(folder):
    photos, missing = labels.read_folder("aptos", folder("id_code,diagnosis\na1,0\nb2,4\n", ["a1.png", "b2.JPG"]))
    assert names_and_grades(photos) == [("a1", 0), ("b2", 4)]
    assert missing == []
    assert {p.source for p in photos} == {"aptos"}
    assert photos[1].path.name == "b2.JPG"


def test_idrid_header_blanks_and_empty_columns(folder):
    text = "Image name,Retinopathy grade,Risk of macular edema ,,,\r\nIDRiD_001,3,2,,,\r\nIDRiD_002, 2 ,1,,,\r\n,,,,,\r\n\r\n"
    photos, _ = labels.read_folder("idrid", folder(text, ["IDRiD_001.jpg", "IDRiD_002.jpg"]))
    assert names_and_grades(photos) == [("IDRiD_001", 3), ("IDRiD_002", 2)]


def test_columns_are_found_by_name_not_by_place(folder):
    text = "Risk of macular edema ,Retinopathy grade , Image name\n2,3,IDRiD_001\n"
    photos, _ = labels.read_folder("idrid", folder(text, ["IDRiD_001.jpg"]))
    assert names_and_grades(photos) == [("IDRiD_001", 3)]


def test_eyepacs_patients(folder):
    text = "image,level\n10_left,0\n10_right,1\n100_left,2\nodd,0\n"
    photos, _ = labels.read_folder("eyepacs", folder(text, [f"{n}.jpeg" for n in ("10_left", "10_right", "100_left", "odd")]))
    assert [p.patient for p in photos] == ["10", "10", "100", "odd"]


def test_byte_order_mark_quotes_and_picture_endings_in_ids(folder):
    text = 'id_code,diagnosis\n"a1.png",1\nb.2,2\n'
    photos, _ = labels.read_folder("own", folder(text, ["a1.png", "b.2.jpg"], encoding="utf-8-sig"))
    assert names_and_grades(photos) == [("a1", 1), ("b.2", 2)]


def test_photos_without_a_file_are_told(folder):
    photos, missing = labels.read_folder("aptos", folder("id_code,diagnosis\na,0\ngone,1\n", ["a.png"]))
    assert names_and_grades(photos) == [("a", 0)]
    assert missing == ["gone"]


@pytest.mark.parametrize("text, expected", [
    ("", "empty file"),
    ("name,label\na,0\n", "no known pair of columns"),
    ("id_code,diagnosis\na,5\n", "labels.csv:2: grade '5'"),
    ("id_code,diagnosis\na,\n", "labels.csv:2: grade ''"),
    ("id_code,diagnosis\na,1.0\n", "grade '1.0'"),
    ("id_code,diagnosis\na,0\nb\n", "labels.csv:3: 1 columns"),
    ("id_code,diagnosis\na,0\na,1\n", "labels.csv:3: 'a' was listed before with grade 0"),
    ("id_code,diagnosis\nx,0\ny,1\n", "none of its 2 photos"),
])
def test_unusable_files_are_refused_by_name_and_cause(folder, text, expected):
    with pytest.raises(labels.LabelError) as error:
        labels.read_folder("own", folder(text, ["a.png", "b.png"]))
    assert expected in str(error.value)
    assert "labels.csv" in str(error.value)


def test_the_same_row_twice_counts_once(folder):
    photos, _ = labels.read_folder("own", folder("id_code,diagnosis\na,1\na,1\n", ["a.png"]))
    assert len(photos) == 1


def test_two_pictures_of_one_name_are_refused(folder):
    with pytest.raises(labels.LabelError, match="two pictures named 'a'"):
        labels.read_folder("own", folder("id_code,diagnosis\na,1\n", ["a.png", "a.jpg"]))


def test_missing_folder_and_label_file(tmp_path):
    with pytest.raises(labels.LabelError, match="no such folder"):
        labels.read_folder("own", tmp_path / "nowhere")
    with pytest.raises(labels.LabelError, match="found 0"):
        labels.read_folder("own", tmp_path)
