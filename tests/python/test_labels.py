# SPDX-License-Identifier: Apache-2.0
"""The reader of label files: the traps of every data set, and files that must be refused by name, line and cause."""
import pathlib
import re

import pytest

from fovea_tools import label_sets, labels
from fovea_tools.label_sets import MESSIDOR_COPIES, MESSIDOR_GRADES, Label, patient_and_eye, without_ending


@pytest.fixture
def read(tmp_path):
    def make(text, encoding="utf-8", name="labels.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return labels.read_file(path, **options)
    return make


def grades(file):
    return {label.name: label.grade for label in file.labels}


def test_a_label_may_have_the_endings_of_the_pictures_that_a_folder_is_searched_for():
    """What a label file's names may end in is what `fovea screen FOLDER` takes for a picture: one that only one of them knew would be lost."""
    source = (pathlib.Path(__file__).parents[2] / "engine" / "cli" / "picture_kind.cpp").read_text()
    listed = re.search(r"constexpr std::array kEndings = \{(.*?)\};", source, re.DOTALL)[1]
    endings = re.findall(r'"(\.\w+)"sv', listed)
    assert len(endings) == listed.count('"') // 2 >= 30
    assert sorted(endings) == sorted(label_sets.PICTURE_ENDINGS)


def test_aptos(read):
    file = read("id_code,diagnosis\r\n0024cdab0c1e,1\r\n002c21358ce6,0\r\n")
    assert file.data_set == "APTOS 2019"
    assert grades(file) == {"0024cdab0c1e": 1, "002c21358ce6": 0}
    assert [label.positive("any") for label in file.labels] == [True, False]
    assert [label.positive("referable") for label in file.labels] == [False, False]


@pytest.mark.parametrize("text", [
    "id_code,diagnosis\n0024cdab0c1e,1\nIMG_7,0\n", "image,level\nIMG_7,0\n", "Image name,Retinopathy grade\nIMG_7,0\n",
    "image,quality,DR_grade\nIMG_7,0,2\n", "name,MA,HE,EX,SE,same_photo_as\nIMG_7,0,0,0,0,\n",
])
def test_the_columns_of_a_data_set_do_not_make_a_file_that_data_set(read, text):
    assert read(text).data_set == "own"


def test_eyepacs_has_two_photos_a_patient(read):
    file = read("image,level\n10_left,0\n10_right,1\n100_left,2\nodd,0\n")
    assert file.data_set == "own" and read("image,level\n10_left.jpeg,0\n7_right,1\n").data_set == "EyePACS"
    assert [label.patient for label in file.labels] == ["10", "10", "100", "odd"]


def test_idrid_header_ends_in_a_blank_and_has_empty_columns(read):
    text = "Image name,Retinopathy grade,Risk of macular edema ,,,\r\nIDRiD_001,3,2,,,\r\nIDRiD_002, 1 ,1,,,\r\n,,,,,\r\n\r\n"
    file = read(text)
    assert file.data_set == "IDRiD"
    assert [(label.name, label.grade, label.edema) for label in file.labels] == [("IDRiD_001", 3, 2), ("IDRiD_002", 1, 1)]


def test_macular_oedema_can_make_a_photo_referable(read):
    text = "Image name,Retinopathy grade,Risk of macular edema \na,1,0\nb,1,1\nc,0,2\nd,2,0\n"
    rows = read(text).labels
    assert [label.positive("referable") for label in rows] == [False, False, False, True]
    assert [label.positive("referable", edema_from=1) for label in rows] == [False, True, True, True]
    assert [label.positive("referable", edema_from=2) for label in rows] == [False, False, True, True]
    assert [label.positive("any", edema_from=1) for label in rows] == [True, True, False, True]


MESSIDOR = "Image name,Ophthalmologic department,Retinopathy grade,Risk of macular edema \n"


def test_messidor_has_a_scale_of_its_own_and_tif_in_its_ids(read):
    file = read(MESSIDOR + "20051019_38557_0100_PP.tif,Service Ophtalmologie Lariboisière,3,1\nb.tif,x,1,0\n")
    assert file.data_set == "Messidor"
    assert [(label.name, label.grade, label.scale) for label in file.labels] == [
        ("20051019_38557_0100_PP", 3, "messidor"), ("b", 1, "messidor")]
    assert [label.positive("any") for label in file.labels] == [True, True]
    assert [label.positive("referable") for label in file.labels] == [True, False]
    with pytest.raises(labels.LabelError, match=r"labels.csv:2: grade '4' is no integer from 0 to 3"):
        read(MESSIDOR + "b.tif,x,4,0\n")


def test_messidor_errata_are_applied_unless_they_are_switched_off(read):
    wrong = {"20051020_63045_0100_PP": 3, "20051020_63936_0100_PP": 3, "20051020_64007_0100_PP": 1, "20060523_48477_0100_PP": 2}
    text = MESSIDOR + "".join(f"{name}.tif,x,{grade},0\n" for name, grade in wrong.items()) + "other.tif,x,2,0\n"
    file = read(text)
    assert grades(file) == {**MESSIDOR_GRADES, "other": 2}
    assert len(file.notes) == 4 and "20051020_64007_0100_PP has grade 3, not 1" in " ".join(file.notes)
    plain = read(text, errata=False)
    assert grades(plain) == {**wrong, "other": 2} and plain.notes == []
    # What the makers have corrected since needs no note.
    assert read(MESSIDOR + "20051020_64007_0100_PP.tif,x,3,0\n").notes == []


def test_messidor_copies_of_base33_count_once(read):
    assert len(MESSIDOR_COPIES) == 13 and len({name for pair in MESSIDOR_COPIES for name in pair}) == 26
    first, second = MESSIDOR_COPIES[5]
    text = MESSIDOR + f"{second}.tif,x,3,0\n{first}.tif,x,2,0\n{MESSIDOR_COPIES[0][1]}.tif,x,0,0\n"
    file = read(text)
    # A copy whose other half is not in the file stays.
    assert grades(file) == {first: 2, MESSIDOR_COPIES[0][1]: 0}
    assert "is the same photo as" in file.notes[0]
    assert len(read(text, errata=False).labels) == 3


def test_eyeq_marks_photos_as_rejected(read):
    file = read(",image,quality,DR_grade\n0,1_left.jpeg,0,2\n1,1_right.jpeg,1,0\n2,2_left.jpeg,2,1\n")
    assert file.data_set == "EyeQ"
    assert [(label.name, label.gradable, label.grade) for label in file.labels] == [
        ("1_left", True, 2), ("1_right", True, 0), ("2_left", False, 1)]
    assert file.labels[0].patient == file.labels[1].patient == "1"
    with pytest.raises(labels.LabelError, match="quality '3'"):
        read(",image,quality,DR_grade\n0,1_left.jpeg,3,2\n")


def test_messidor2_leaves_the_grade_of_ungradable_photos_empty(read):
    text = ("image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable\n"
            "20051020_43808_0100_PP.png,2,1,1\nIM0001.JPG,,,0\nIM0002.JPG,0,0,1\n")
    file = read(text)
    assert file.data_set == "Messidor-2"
    assert [(label.name, label.grade, label.edema, label.gradable) for label in file.labels] == [
        ("20051020_43808_0100_PP", 2, 1, True), ("IM0001", None, None, False), ("IM0002", 0, 0, True)]
    assert file.labels[1].positive("any") is None
    # Called gradable and not graded: it is kept and tells nothing.
    bare = read("image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable\na.png,,0,1\n").labels[0]
    assert (bare.grade, bare.gradable, bare.positive("any"), bare.positive("referable")) == (None, True, None, None)


ODIR = ("ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,"
        "N,D,G,C,A,H,M,O\n")


def odir(number, left, right, d):
    return f'{number},60,Male,{number}_left.jpg,{number}_right.jpg,"{left}","{right}",0,{d},0,0,0,0,0,0\n'


def test_odir_labels_each_eye_by_its_keywords(read):
    file = read(ODIR + odir(1, "mild nonproliferative retinopathy\uff0claser spot", "normal fundus", 1)
                + odir(2, "hypertensive retinopathy", "lens dust,moderate non proliferative retinopathy", 1)
                + odir(3, "suspected diabetic retinopathy", "severe  proliferative diabetic retinopathy", 1)
                + odir(4, "low image quality", "lens dust\uff0cnormal fundus", 0)
                + odir(5, "no fundus image", "low image quality,maculopathy", 0))
    assert file.data_set == "ODIR"
    seen = {label.name: (label.positive("any"), label.grade, label.gradable) for label in file.labels}
    assert seen == {
        "1_left": (True, 1, None), "1_right": (False, 0, None), "2_left": (False, 0, None), "2_right": (True, 2, None),
        "3_left": (True, None, None), "3_right": (True, 4, None), "4_left": (None, None, False), "4_right": (False, 0, None),
        "5_left": (None, None, False), "5_right": (False, 0, None)}
    # Diabetic retinopathy of unknown grade may be referable or not.
    assert {label.name: label.positive("referable") for label in file.labels}["3_left"] is None
    assert file.labels[0].patient == "1"


def test_odir_keywords_must_agree_with_the_patients_column(read):
    with pytest.raises(labels.LabelError, match="labels.csv:2: D is 1, but the keywords name no diabetic"):
        read(ODIR + odir(1, "normal fundus", "normal fundus", 1))
    with pytest.raises(labels.LabelError, match="labels.csv:2: D is 0, but the keywords name a diabetic"):
        read(ODIR + odir(1, "diabetic retinopathy", "normal fundus", 0))
    with pytest.raises(labels.LabelError, match="no diagnostic keywords for the right eye"):
        read(ODIR + odir(1, "normal fundus", "", 0))


def test_odir_without_keywords_labels_the_patient(read):
    file = read("ID,N,D,G,C,A,H,M,O\n7,1,0,0,0,0,0,0,0\n8,0,1,0,0,0,0,0,0\n")
    seen = {label.name: (label.positive("any"), label.patient_any_dr) for label in file.labels}
    assert seen == {"7_left": (False, False), "7_right": (False, False), "8_left": (None, True), "8_right": (None, True)}


def test_a_clinics_own_file(read):
    file = read("File;Grade;Patient;Gradable\nward/IMG_1.JPG;2;anna;yes\nward\\IMG_2.jpg;0;anna;1\nIMG_3.jpg;;ben;no\n")
    assert file.data_set == "own"
    assert [(label.name, label.grade, label.patient, label.gradable) for label in file.labels] == [
        ("ward/IMG_1", 2, "anna", True), ("ward/IMG_2", 0, "anna", True), ("IMG_3", None, "ben", False)]
    binary = read("photo\tdr\na.jpg\tyes\nb.jpg\t0\n")
    assert [(label.positive("any"), label.positive("referable")) for label in binary.labels] == [(True, None), (False, False)]


def test_columns_of_other_names_can_be_told(read):
    text = "id,label,diagnosis\nx,3,healthy\n"
    assert grades(read(text, roles={"photo": "ID", "grade": "label"})) == {"x": 3}
    with pytest.raises(labels.LabelError, match="no column 'score' for the grade"):
        read(text, roles={"photo": "id", "grade": "score"})


def test_byte_order_mark_quotes_and_picture_endings(read):
    file = read('id_code,diagnosis\n"a1.png",1\nb.2,2\n"c, d.JPEG",0\n', encoding="utf-8-sig")
    assert grades(file) == {"a1": 1, "b.2": 2, "c, d": 0}
    assert [without_ending(name) for name in ("a.tif", "a.TIFF", "a.b", "jpg")] == ["a", "a", "a.b", "jpg"]


def test_columns_are_found_by_name_not_by_place(read):
    assert grades(read("Risk of macular edema ,Retinopathy grade , Image name\n2,3,IDRiD_001\n")) == {"IDRiD_001": 3}


def test_line_separators_inside_a_cell_are_no_new_rows(read):
    file = read("image,level\na\u2028b,1\nc\x0bd,2\n")
    assert grades(file) == {"a\u2028b": 1, "c\x0bd": 2}


@pytest.mark.parametrize("text, expected", [
    ("", "labels.csv: empty file"),
    ("\n\n", "labels.csv: empty file"),
    ("id_code,diagnosis\n", "labels.csv: no photo in it"),
    ("name,label\na,0\n", "no known pair of columns"),
    ("image,image,level\na,b,0\n", "column 'image' twice"),
    ("id_code,diagnosis\na,5\n", "labels.csv:2: grade '5'"),
    ("id_code,diagnosis\na,1.5\n", "labels.csv:2: grade '1.5'"),
    ("id_code,diagnosis\na,1.0.0\n", "labels.csv:2: grade '1.0.0'"),
    ("id_code,diagnosis\na,5.0\n", "labels.csv:2: grade '5.0'"),
    ("id_code,diagnosis\na,\u0661\n", "labels.csv:2: grade '\u0661'"),
    ("id_code,diagnosis\na,-1\n", "labels.csv:2: grade '-1'"),
    ("id_code,diagnosis\n,1\n", "labels.csv:2: the photo's name"),
    ("id_code,diagnosis\na,0\nb\n", "labels.csv:3: 1 columns"),
    ("id_code,diagnosis\na,0,7\n", "labels.csv:2: 3 columns, the header names 2"),
    ("id_code,diagnosis\n\na,0\na,1\n", "labels.csv:4: 'a' was listed before with grade 0"),
    ("id_code,diagnosis\na.jpg,0\na.JPG,1\n", "labels.csv:3: 'a' was listed before with grade 0"),
    ("id_code,diagnosis\na.jpg,0\na.png,1\na,1\n", "labels.csv:4: 'a' was listed before with grade 0"),
    ("id_code,diagnosis\na,0\na.png,1\n", "labels.csv:3: 'a' was listed before with grade 0"),
    ("file,grade,dr\na,0,no\nb,2,no\n", "labels.csv:3: grade 2 and dr 'no' contradict each other"),
    ("file,grade,diagnosis\na,3,3\nb,3,1\n", "labels.csv:3: grade '3' and diagnosis '1' contradict each other"),
    ("file,grade,level\na,-1,0\n", "labels.csv:2: grade '-1' and level '0' contradict each other"),
    ("file,dr,adjudicated_dr_grade\na,no,2.0\n", "labels.csv:2: adjudicated_dr_grade '2.0' and dr 'no' contradict each other"),
    ("id_code,diagnosis,dr\na,0,yes\n", "labels.csv:2: diagnosis '0' and dr 'yes' contradict each other"),
    ("file,grade,referable\na,2,1\nb,1,1\n", "labels.csv:3: referable '1' and grade '1' contradict each other"),
    ("file,grade,referable\na,3.0,no\n", "labels.csv:2: referable 'no' and grade '3.0' contradict each other"),
    ("file,dr,Referable_DR\na,no,yes\n", "labels.csv:2: referable_dr 'yes' and dr 'no' contradict each other"),
    ("image,level,referable\n10_left,4,false\n", "labels.csv:2: referable 'false' and level '4' contradict each other"),
    ("file,grade,referable,referable_dr\na,2,1,0\n", "labels.csv:2: referable '1' and referable_dr '0' contradict each other"),
    ("file,grade,edema,referable\na,1,0,1\n", "labels.csv:2: referable '1' and grade '1' contradict each other"),
    ("image,level,diagnosis\na,1,2\n", "labels.csv:2: diagnosis '2' and level '1' contradict each other"),
    ("image,quality,DR_grade,level\n1_left,0,1,4\n", "labels.csv:2: level '4' and dr_grade '1' contradict each other"),
    ("image name,retinopathy grade,risk of macular edema,edema\na,1,2,0\n", "labels.csv:2: edema '0' and risk of macular edema '2' contradict"),
    ("file,grade,gradable,adjudicated_gradable\na,1,yes,0\n", "labels.csv:2: gradable 'yes' and adjudicated_gradable '0' contradict each other"),
    ("file,grade,dr\na,0.0,1\n", "labels.csv:2: grade 0.0 and dr '1' contradict each other"),
    ("file,grade,dr\na,-1,0\n", "labels.csv:2: grade -1 and dr '0' contradict each other"),
    ("file,grade\na,-2\n", "labels.csv:2: grade '-2' is no integer from -1 to 4"),
    ("sep=;\nfile;grade\na;0\nb;7\n", "labels.csv:4: grade '7'"),
    ("\nsep=|\n\nfile|grade\na|0\nb|7\n", "labels.csv:6: grade '7'"),
    ("sep=;\n", "labels.csv: empty file"),
    ("file,grade,gradable\na,0,maybe\n", "labels.csv:2: gradable 'maybe'"),
    ("file,dr\na,2\n", "labels.csv:2: DR '2'"),
    ('id_code,diagnosis\n"a,0\nb,1\n', "labels.csv:3: unexpected end of data"),
    (b"id_code,diagnosis\na,0\nb\xe9,1\n", "labels.csv:3: byte 0xe9 is no UTF-8"),
    (b"id_code,diagnosis\na,0\nb\x00,1\n", "labels.csv:3: a zero byte"),
    (b"\xff\xfei\x00d\x00", "UTF-16"),
    ("file,grade\na,0\n".encode("utf-16-le"), "UTF-16"),
    ("file,grade\na,0\n".encode("utf-16-be"), "UTF-16"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel workbook (.xls)"),
    (b"PK\x03\x04\x14\x00", "Excel workbook (.xlsx)"),
    ("id_code,diagnosis\n" + "a" * 200000 + ",1\n", "labels.csv:2: field larger than field limit"),
])
def test_unusable_files_are_refused_by_name_line_and_cause(read, text, expected):
    with pytest.raises(labels.LabelError) as error:
        read(text)
    assert expected in str(error.value)
    assert "labels.csv" in str(error.value)


def test_referable_beside_a_grade_that_allows_it(read):
    text = "file,grade,referable,edema\na,2,1,0\nb,1,0,0\nc,0,1,2\nd,3,,NA\ne,-1,1,\nf,4,unclear,0\nh,0,1,1.0\n"
    assert grades(read(text)) == {"a": 2, "b": 1, "c": 0, "d": 3, "e": None, "f": 4, "h": 0}


def test_the_same_row_twice_counts_once(read):
    assert len(read("id_code,diagnosis\na,1\na.png,1\n").labels) == 1
    assert len(read("id_code,diagnosis\na.jpg,1\na.jpg,1\n").labels) == 1


def test_two_pictures_of_one_name_are_told_apart_by_their_endings(read):
    rows = read("id_code,diagnosis\na.jpg,0\na.PNG,1\n").labels
    assert [(label.name, label.ending, label.grade) for label in rows] == [("a", ".jpg", 0), ("a", ".png", 1)]


@pytest.mark.parametrize("text", [
    "file,grade\na,2\nb,0\nc,\n", "file;grade\na;2,0\nb;0,0\nc;\n", "sep=;\r\nfile;grade\r\na;2\r\nb;0\r\nc;\r\n",
    '"sep=\t"\nphoto\tgrade\na\t2.\nb\t0\nc\tNA\n', "photo\tgrade\na\t2.0\nb\t0.0\nc\tNaN\n", "path,grade\na,2.00\nb,0\nc,n/a\n",
    "SEP=,\nfile,grade,dr\na,2,\nb,0,NA\nc,null,None\n", "file,grade,patient,dr,quality\na,2,p,1.0,0\nb,0,q,0.0,\nc,,q,,2\n",
])
def test_what_spreadsheets_and_data_frames_make_of_a_label_file(read, text):
    assert grades(read(text)) == {"a": 2, "b": 0, "c": None}


def test_lesions_of_idrid_tell_any_retinopathy_and_the_photo_they_are_of(read):
    file = read("name,MA,HE,EX,SE,OD,same_photo_as\nIDRiD_01,579,2525,0,0,13560,IDRiD_102\nIDRiD_02,0,0,0,0,13560,\n")
    assert file.data_set == "IDRiD lesions"
    assert [(label.name, label.patient, label.positive("any"), label.positive("referable")) for label in file.labels] == [
        ("IDRiD_01", "IDRiD_102", True, None), ("IDRiD_02", "IDRiD_02", False, False)]


def test_retinopathy_of_unknown_grade_and_the_site(read):
    rows = read("file,grade,patient,dr,dme,site\na.jpg,-1,p,1,0,0100\nb.jpg,-1,p,,,IM\nc.jpg,3,q,1,1,\n").labels
    assert [(label.grade, label.positive("any"), label.positive("referable"), label.site) for label in rows] == [
        (None, True, None, "0100"), (None, True, None, "IM"), (3, True, True, "")]
    assert [label.patient for label in rows] == ["p", "p", "q"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(labels.LabelError, match="nowhere.csv: No such file"):
        labels.read_file(tmp_path / "nowhere.csv")
    with pytest.raises(labels.LabelError, match="Is a directory"):
        labels.read_file(tmp_path)


def test_patients_and_unknown_grades():
    named = {"1_left": ("1", "left"), "1_RIGHT": ("1", "right"), "1_left_2": ("1", "left"), "7_l1": ("7", "left"), "7_r2": ("7", "right"),
             "P12-OD": ("P12", "right"), "P12 os": ("P12", "left"), "anna.left": ("anna", "left"), "a_1_right12": ("a_1", "right"),
             "ward/P1/left": ("ward/P1", "left"), "P1/OD_2": ("P1", "right"), "in/1_left": ("1", "left"), "ward/a": ("ward/a", "")}
    assert {name: patient_and_eye(name) for name in named} == named
    # A side needs a patient before it; a lone letter also a number; rows r1 to r100 of something are no right eyes.
    for name in ("left", "_left", "L", "bright", "1left", "scan_r", "method_od", "1_left_123", "9_r123", "IDRiD_001", "0a1b2c3d4e5f", "",
                 "20051020_43808_0100_PP", "_" * 50000 + "x"):
        assert patient_and_eye(name) == (name, "")
    assert Label("a", "a").positive("any") is None
    assert Label("a", "a", edema=1).positive("referable", edema_from=1) is True


def test_the_eye_is_told_by_a_column_or_the_name(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("file,grade,patient,eye\na.jpg,0,P1,OD\nb.jpg,1,P1,left\nc_left.jpg,2,,\nd_left.jpg,2,P2,R\n")
    assert [(label.patient, label.eye) for label in labels.read_file(path).labels] == [
        ("P1", "right"), ("P1", "left"), ("c", "left"), ("P2", "right")]
    path.write_text("file,grade,eye\na.jpg,0,3\n")
    with pytest.raises(labels.LabelError, match=r"own.csv:2: eye '3' is neither left nor right \(left, l, os, right, r, od\)"):
        labels.read_file(path)


def test_a_column_for_the_patient_in_the_file_of_any_data_set(tmp_path):
    path = tmp_path / "aptos.csv"
    path.write_text("id_code,diagnosis,Patient ID\n0a1b2c3d4e5f,0,P1\n1a1b2c3d4e5f,2, P1\n2a1b2c3d4e5f,2,\n")
    found = labels.read_file(path, patient_column="patient id ")
    assert found.data_set == "APTOS 2019" and found.without_patient == ["2a1b2c3d4e5f"]
    assert [label.patient for label in found.labels] == ["P1", "P1", "2a1b2c3d4e5f"]
    with pytest.raises(labels.LabelError, match="no column 'who' for the patient; the header has"):
        labels.read_file(path, patient_column="who")
    path = tmp_path / "odir.csv"
    path.write_text("ID,N,D,G,C,A,H,M,O,who\n7,1,0,0,0,0,0,0,0,P1\n")
    assert [(label.name, label.patient, label.eye) for label in labels.read_file(path, patient_column="who").labels] == [
        ("7_left", "P1", "left"), ("7_right", "P1", "right")]


def test_a_table_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(labels.tables, "LARGEST", 1000)
    with pytest.raises(labels.LabelError, match="/dev/zero: larger than 0 MiB; this is no table"):
        labels.read_file("/dev/zero")


def test_the_data_sets_at_hand_are_read_whole(fovea_data):
    counts = {"aptos224": (1444, 295, 797, 154, 237), "idrid640": (134, 20, 136, 74, 49), "eyepacs-small": (394, 31, 91, 18, 16),
              "messidor2": (825, 219, 268, 53, 25), "odir5k": (1086, 259, 744, 129, 21), "eyepacs-more": (501, 35, 98, 13, 15),
              "eyepacs-equalised": (750, 340, 690, 117, 75)}
    for folder, expected in counts.items():
        file = labels.read_file(pathlib.Path(fovea_data) / folder / "labels.csv")
        found = [label.grade for label in file.labels]
        assert tuple(found.count(grade) for grade in range(5)) == expected
        # ODIR has eyes whose keywords name the illness and no grade.
        assert [label.positive("any") for label in file.labels if label.grade is None] == [True] * (36 if folder == "odir5k" else 0)


@pytest.mark.parametrize("text", [
    "file,grade,diagnosis,dr\na,3,3.0,yes\nb,0,,no\nc,2,NA,1\n", "file,grade,diagnosis\na,2,NPDR with glaucoma\nb,0,250\n", "file,grade,level\na,-1,3\n",
    "image name,ophthalmologic department,retinopathy grade,risk of macular edema,grade\na,X,3,0,4\n",
])
def test_columns_that_say_the_same_or_nothing_do_not_contradict(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    assert labels.read_file(path).labels


def test_a_column_that_is_named_is_the_right_one(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("file,grade,diagnosis\na,3,1\n")
    assert labels.read_file(path, roles={"grade": "diagnosis"}).labels[0].grade == 1
