# SPDX-License-Identifier: Apache-2.0
"""How each public data set writes its labels: columns, scales, marks for ungradable photos, published errata."""

from __future__ import annotations

import dataclasses
import re
from typing import Callable, Dict, List, Optional, Tuple

from .tables import Row, Table, TableError

PICTURE_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".hif", ".avif", ".bmp", ".dib", ".gif",
                   ".dcm", ".dicom", ".jp2", ".j2k", ".jpx", ".jls", ".jxl", ".ppm", ".pgm", ".pbm", ".pnm", ".dng", ".cr2", ".cr3",
                   ".nef", ".arw", ".orf", ".rw2", ".x3f", ".raf", ".ico", ".pcx", ".tga", ".psd", ".exr", ".fda", ".e2e")
NOTHING = ("", "na", "n/a", "nan", "null", "none", "<na>", "-")  # what an empty cell is written as
UNKNOWN_GRADE = -1      # in a file of one's own: retinopathy of a grade that is not known
ICDR = "icdr"           # grades 0 to 4: none, mild, moderate, severe, proliferative
MESSIDOR = "messidor"   # grades 0 to 3 of its own: counts of lesions


@dataclasses.dataclass(frozen=True)
class Label:
    """What a label file says of one photo. None: it does not say."""

    name: str                               # the file's id without a picture ending; may be a path with "/"
    patient: str                            # photos of one patient share it; equal to name where nothing is known
    grade: Optional[int] = None
    scale: str = ICDR
    any_dr: Optional[bool] = None           # only where there is no grade
    edema: Optional[int] = None             # risk of macular oedema
    gradable: Optional[bool] = None         # the data set's own mark
    site: str = ""                          # the clinic or camera within the source
    ending: str = ""                        # the picture ending that the file gives the id, in lower case: ".jpg"
    patient_any_dr: Optional[bool] = None   # a label that holds for the patient and does not say which eye
    eye: str = ""                           # "left" or "right", where name or file tell

    def positive(self, target: str, edema_from: Optional[int] = None) -> Optional[bool]:
        """Whether the photo is positive. target: "any" (grade 1 or more) or "referable" (grade 2 or more; with edema_from also
        a risk of macular oedema that high)."""
        if target == "any":
            return self.any_dr if self.grade is None else self.grade >= 1
        if edema_from is not None and self.edema is not None and self.edema >= edema_from:
            return True
        if self.grade is None:
            return False if self.any_dr is False else None
        return self.grade >= 2


def ending_of(name: str) -> str:
    """The picture ending in lower case, or nothing; ids themselves may hold dots."""
    return next((ending for ending in PICTURE_ENDINGS if name.lower().endswith(ending)), "")


def without_ending(name: str) -> str:
    """The id without a picture ending."""
    return name[:len(name) - len(ending_of(name))]


SIDES = {"left": "left", "l": "left", "os": "left", "right": "right", "r": "right", "od": "right"}  # oculus sinister, oculus dexter
# 123_left (EyePACS, ODIR), 7_l2 (DeepDRiD: the second photo of the left eye), P12-OD (clinics). A lone letter is a side only after a number.
NAMED_EYE = re.compile(r"(?P<patient>.*[^_. -])[_. -]+(?P<side>left|right|(?<=\d.)(?:od|os|l|r))(?:[_. -]?\d{1,2})?", re.IGNORECASE)
EYE_IN_FOLDER = re.compile(r"(?P<side>left|right|od|os|l|r)(?:[_. -]?\d{1,2})?", re.IGNORECASE)     # P12/left: the folder is the patient


def patient_and_eye(name: str) -> Tuple[str, str]:
    """(patient, "left" or "right") where the photo's name tells, else (name, "")."""
    folder, _, photo = name.rpartition("/")
    match = NAMED_EYE.fullmatch(photo)
    if match:
        return match["patient"], SIDES[match["side"].lower()]
    match = EYE_IN_FOLDER.fullmatch(photo) if folder else None
    return (folder, SIDES[match["side"].lower()]) if match else (name, "")


def _told(row: Row, column: Optional[str]) -> bool:
    """Whether the cell says anything: spreadsheets and data frames write an empty cell in many ways."""
    return row.get(column).lower() not in NOTHING


def _number(row: Row, column: Optional[str], what: str, highest: int, lowest: int = 0) -> int:
    text = row.get(column)
    # A column with an empty cell becomes one of fractions in a data frame: 2 is written as 2.0, in some languages as 2,0.
    whole = re.fullmatch(r"(-?[0-9]+)(?:[.,]0*)?", text)
    if not whole or not lowest <= int(whole.group(1)) <= highest:
        raise TableError(f"{row.place}: {what} '{text}' is no integer from {lowest} to {highest}")
    return int(whole.group(1))


def _yes_or_no(row: Row, column: Optional[str], what: str) -> Optional[bool]:
    text = re.sub(r"^([01])[.,]0*$", r"\1", row.get(column).lower())
    if text in ("1", "yes", "true"):
        return True
    if text in ("0", "no", "false"):
        return False
    raise TableError(f"{row.place}: {what} '{text}' is neither yes nor no (1, 0, yes, no, true, false)")


def eye_of_cell(row: Row, column: Optional[str]) -> str:
    """ "left", "right", or nothing where the file does not say."""
    if not column or not _told(row, column):
        return ""
    side = SIDES.get(row[column].lower())
    if side is None:
        raise TableError(f"{row.place}: eye '{row[column]}' is neither left nor right ({', '.join(SIDES)})")
    return side


def _name(row: Row, column: str) -> str:
    name = without_ending(row[column].replace("\\", "/"))
    if not name:
        raise TableError(f"{row.place}: the photo's name ('{column}') is empty")
    return name


@dataclasses.dataclass(frozen=True)
class Columns:
    """A label file with one row a photo. The columns that are None the data set does not have."""

    photo: str
    grade: Optional[str] = None
    dr: Optional[str] = None
    highest: int = 4
    scale: str = ICDR
    edema: Optional[str] = None
    highest_edema: int = 2
    gradable: Optional[str] = None
    is_gradable: Callable[[Row, str], Optional[bool]] = lambda row, column: _yes_or_no(row, column, "gradable")
    patient: Optional[str] = None
    site: Optional[str] = None
    eye: Optional[str] = None
    lowest: int = 0     # -1: a grade that says "has retinopathy, grade not known"

    def labels(self, row: Row) -> List[Label]:
        name = _name(row, self.photo)
        ending = ending_of(row[self.photo])
        gradable = self.is_gradable(row, self.gradable) if self.gradable and _told(row, self.gradable) else None
        grade = _number(row, self.grade, "grade", self.highest, self.lowest) if _told(row, self.grade) else None
        any_dr = _yes_or_no(row, self.dr, "DR") if _told(row, self.dr) else None
        if grade is not None and any_dr is not None and any_dr != (grade != 0):
            raise TableError(f"{row.place}: grade {row[self.grade]} and dr '{row[self.dr]}' contradict each other")
        if grade == UNKNOWN_GRADE:
            grade, any_dr = None, True
        patient, eye = patient_and_eye(name)
        return [Label(
            name, row.get(self.patient) or patient, grade=grade, scale=self.scale, eye=eye_of_cell(row, self.eye) or eye,
            any_dr=any_dr if grade is None else None,
            edema=_number(row, self.edema, "risk of macular oedema", self.highest_edema) if _told(row, self.edema) else None,
            gradable=gradable, site=row.get(self.site), ending=ending)]


def _eyeq_gradable(row: Row, column: str) -> bool:
    return _number(row, column, "quality", 2) < 2


# ODIR describes each eye in words. Spelling varies in blanks and hyphens, which are dropped before comparing.
# A None is diabetic retinopathy of unknown grade. Retinopathies of other causes are not in the list.
ODIR_GRADES: Dict[str, Optional[int]] = {
    "mildnonproliferativeretinopathy": 1,
    "moderatenonproliferativeretinopathy": 2,
    "severenonproliferativeretinopathy": 3,
    "proliferativediabeticretinopathy": 4,
    "severeproliferativediabeticretinopathy": 4,
    "diabeticretinopathy": None,
    "suspecteddiabeticretinopathy": None,
    "suspiciousdiabeticretinopathy": None,
    "suspectedmoderatenonproliferativeretinopathy": None,
}
ODIR_QUALITY = {
    "lowimagequality", "nofundusimage", "anteriorsegmentimage", "lensdust", "imageoffset", "opticdiskphotographicallyinvisible",
}
ODIR_NO_EYE = {"nofundusimage", "anteriorsegmentimage"}


def _odir_eye(row: Row, side: str) -> Label:
    name = _name(row, f"{side}-fundus")
    patient = row["id"]
    # Both the ASCII and the full-width comma occur.
    words = {re.sub(r"[\s-]", "", word) for word in re.split("[,\uff0c]", row[f"{side}-diagnostic keywords"].lower())} - {""}
    if not words:
        raise TableError(f"{row.place}: no diagnostic keywords for the {side} eye")
    found = [ODIR_GRADES[word] for word in words if word in ODIR_GRADES]
    if not found and (words <= ODIR_QUALITY or words & ODIR_NO_EYE):
        return Label(name, patient, gradable=False, eye=side)
    if not found:
        return Label(name, patient, grade=0, eye=side)
    grades = [grade for grade in found if grade is not None]
    return Label(name, patient, grade=max(grades), eye=side) if grades else Label(name, patient, any_dr=True, eye=side)


def _odir_keywords(row: Row) -> List[Label]:
    eyes = [_odir_eye(row, "left"), _odir_eye(row, "right")]
    told, found = _yes_or_no(row, "d", "column D"), any(eye.positive("any") for eye in eyes)
    if told != found:
        raise TableError(f"{row.place}: D is {row['d']}, but the keywords name {'a' if found else 'no'} diabetic retinopathy")
    return eyes


def _odir_patient(row: Row) -> List[Label]:
    """Without keywords D holds for the patient: 0 clears both eyes, 1 does not say which eye it is."""
    told = _yes_or_no(row, "d", "column D")
    if not row["id"]:
        raise TableError(f"{row.place}: the patient's ID is empty")
    return [Label(f"{row['id']}_{side}", row["id"], grade=None if told else 0, patient_any_dr=told, eye=side)
            for side in ("left", "right")]


IDRID_LESIONS = ("ma", "he", "ex", "se")


def _idrid_lesions(row: Row) -> List[Label]:
    """Pixels of each kind of lesion; the photo is one of the grading set under another name, and stays with it."""
    pixels = [_number(row, lesion, lesion.upper(), 10**9) for lesion in IDRID_LESIONS]
    name = _name(row, "name")
    return [Label(name, without_ending(row["same_photo_as"]) or name, any_dr=any(pixels))]


@dataclasses.dataclass(frozen=True)
class LabelSet:
    name: str
    needs: Tuple[str, ...]                  # the columns by which it is known
    labels: Callable[[Row], List[Label]]
    ids: str = ".*"                         # how it names its photos: others use its columns, too


ODIR_EYES = ("left-fundus", "right-fundus", "left-diagnostic keywords", "right-diagnostic keywords")
ODIR_CLASSES = tuple("ndgcahmo")
EYEPACS_IDS = r"\d+_(left|right)"

# The first that fits is meant, so a set stands before those that need fewer columns.
LABEL_SETS = [
    LabelSet("Messidor", ("image name", "ophthalmologic department", "retinopathy grade"),
             Columns("image name", "retinopathy grade", highest=3, scale=MESSIDOR, edema="risk of macular edema").labels),
    LabelSet("IDRiD", ("image name", "retinopathy grade"),
             Columns("image name", "retinopathy grade", edema="risk of macular edema").labels, r"IDRiD_\d+"),
    LabelSet("IDRiD lesions", ("name", *IDRID_LESIONS, "same_photo_as"), _idrid_lesions, r"IDRiD_\d+"),
    LabelSet("EyeQ", ("image", "quality", "dr_grade"),
             Columns("image", "dr_grade", gradable="quality", is_gradable=_eyeq_gradable).labels, EYEPACS_IDS),
    LabelSet("EyePACS", ("image", "level"), Columns("image", "level").labels, EYEPACS_IDS),
    LabelSet("APTOS 2019", ("id_code", "diagnosis"), Columns("id_code", "diagnosis").labels, "[0-9a-f]{12}"),
    LabelSet("Messidor-2", ("image_id", "adjudicated_dr_grade", "adjudicated_gradable"),
             Columns("image_id", "adjudicated_dr_grade", edema="adjudicated_dme", highest_edema=1,
                     gradable="adjudicated_gradable").labels),
    LabelSet("ODIR", ("id", *ODIR_EYES, "d"), _odir_keywords),
    LabelSet("ODIR", ("id", *ODIR_CLASSES), _odir_patient),
]

# A clinic's own file: photo, and grade or dr; patient, gradable and edema if it has them.
OWN_NAME = "own"
OWN_ROLES = {
    "photo": ("file", "photo", "path"),
    "grade": ("grade",),
    "dr": ("dr",),
    "patient": ("patient",),
    "gradable": ("gradable",),
    "edema": ("edema",),
    "site": ("site",),
    "eye": ("eye",),
}


def own_set(table: Table, roles: Dict[str, str]) -> Optional[LabelSet]:
    """The label set of a clinic's own file; roles: {role: column} for headers with other names."""
    columns: Dict[str, Optional[str]] = {}
    for role, names in OWN_ROLES.items():
        if role in roles:
            columns[role] = roles[role].strip().lower()
            if columns[role] not in table.header:
                raise TableError(f"{table.path}: no column '{roles[role]}' for the {role}; the header has {table.header}")
        else:
            columns[role] = table.first_of(names)
    if not columns["photo"] or not (columns["grade"] or columns["dr"]):
        return None
    photo = columns.pop("photo")
    return LabelSet(OWN_NAME, (), Columns(photo, lowest=UNKNOWN_GRADE, **columns).labels)


# Columns in which some data set or a clinic says the same thing; a table may have several of them.
GRADE_COLUMNS = ("grade", "diagnosis", "level", "dr_grade", "retinopathy grade", "adjudicated_dr_grade")
DR_COLUMN = "dr"
REFERABLE_COLUMNS = ("referable", "referable_dr")
EDEMA_COLUMNS = ("edema", "risk of macular edema", "adjudicated_dme")   # on scales of their own: above 0 or not
GRADABLE_COLUMNS = ("gradable", "adjudicated_gradable")
DEPARTMENT = "ophthalmologic department"    # Messidor's alone, whose grades are of a scale of its own


def _agrees(row: Row, one: str, other: str) -> bool:
    """Whether two cells can both be right. Words and numbers that are no label, as in a diagnosis told in words, say nothing here."""
    def grade(column: str) -> Optional[int]:
        try:
            return _number(row, column, column, 4, UNKNOWN_GRADE)
        except TableError:
            return None

    def mark(column: str) -> Optional[bool]:
        if column in GRADE_COLUMNS or column in EDEMA_COLUMNS:
            number = grade(column)
            return None if number is None else number != 0
        try:
            return _yes_or_no(row, column, column)
        except TableError:
            return None

    if None not in (mark(one), mark(other)) and mark(one) != mark(other):
        return False
    same_scale = {one, other} <= set(GRADE_COLUMNS) and not ("retinopathy grade" in (one, other) and DEPARTMENT in row.cells)
    if not same_scale or UNKNOWN_GRADE in (grade(one), grade(other)):
        return True
    return None in (grade(one), grade(other)) or grade(one) == grade(other)


def _referable_agrees(row: Row, referable: str, other: str) -> bool:
    """Whether a cell that says if the retinopathy is referable (grade 2 or more) and one of the grade, of DR or of referable again can both be
    right. Macular oedema is called referable at any grade, so only without it a lower grade contradicts a yes."""
    try:
        told = _yes_or_no(row, referable, referable)
        if other in REFERABLE_COLUMNS:
            return told == _yes_or_no(row, other, other)
        if other == DR_COLUMN:
            least, most = (1, 4) if _yes_or_no(row, other, other) else (0, 0)
        else:
            least = most = _number(row, other, other, 4, UNKNOWN_GRADE)
            if least == UNKNOWN_GRADE:
                least, most = 1, 4
    except TableError:
        return True     # words or numbers that are no label say nothing here
    has_edema = any(_told(row, column) and not re.fullmatch(r"0(?:[.,]0*)?", row.get(column)) for column in EDEMA_COLUMNS)
    return has_edema or most >= 2 if told else least < 2


def refuse_contradictions(row: Row) -> None:
    """Of a table with several columns for one thing, all must say the same: nobody can tell which one is right."""
    for columns in ((*REFERABLE_COLUMNS, *GRADE_COLUMNS, DR_COLUMN), EDEMA_COLUMNS, GRADABLE_COLUMNS):
        present = [column for column in columns if row.get(column)]
        for first, one in enumerate(present):
            for other in present[first + 1:]:
                agree = _referable_agrees if one in REFERABLE_COLUMNS else _agrees
                if not agree(row, one, other):
                    raise TableError(f"{row.place}: {one} '{row[one]}' and {other} '{row[other]}' contradict each other; leave out a column, or name "
                                     "the right one (--columns)")


# Errata that the makers of Messidor published on 31 August and 24 October 2016.
MESSIDOR_GRADES = {
    "20051020_63045_0100_PP": 0,
    "20051020_63936_0100_PP": 1,
    "20051020_64007_0100_PP": 3,
    "20060523_48477_0100_PP": 3,
}
# The same photo twice in Base33, published on 16 August 2017: of each pair the second is left out.
MESSIDOR_COPIES = (
    ("20051202_55582_0400_PP", "20051202_54744_0400_PP"),
    ("20051202_41076_0400_PP", "20051202_40508_0400_PP"),
    ("20051202_48287_0400_PP", "20051202_41238_0400_PP"),
    ("20051202_48586_0400_PP", "20051202_41260_0400_PP"),
    ("20051202_55457_0400_PP", "20051202_54530_0400_PP"),
    ("20051202_55626_0400_PP", "20051205_33025_0400_PP"),
    ("20051202_54783_0400_PP", "20051202_55607_0400_PP"),
    ("20051202_48575_0400_PP", "20051202_41034_0400_PP"),
    ("20051205_32966_0400_PP", "20051205_35099_0400_PP"),
    ("20051202_55484_0400_PP", "20051202_54555_0400_PP"),
    ("20051205_32981_0400_PP", "20051205_35110_0400_PP"),
    ("20051202_55562_0400_PP", "20051202_54611_0400_PP"),
    ("20051202_54547_0400_PP", "20051202_55498_0400_PP"),
)
