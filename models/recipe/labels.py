# SPDX-License-Identifier: Apache-2.0
"""Reads the label files of APTOS 2019, IDRiD and EyePACS, and of own folders written like one of them."""
import csv
import dataclasses
import pathlib
import re

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")

# Header names after trimming and lower-casing: (photo, grade on the 0..4 ICDR scale).
LAYOUTS = {
    ("id_code", "diagnosis"): "APTOS 2019",
    ("image name", "retinopathy grade"): "IDRiD",
    ("image", "level"): "EyePACS",
}


class LabelError(Exception):
    """A label file that cannot be used; the message names file, line and cause."""


@dataclasses.dataclass(frozen=True)
class Photo:
    source: str         # the name given with --data
    name: str           # file name without ending, unique within the source
    path: pathlib.Path
    grade: int          # 0..4
    patient: str        # photos of one patient share it; equal to name where nothing is known


def _patient(name):
    """EyePACS names both eyes of a patient <patient>_left and <patient>_right."""
    match = re.fullmatch(r"(.+)_(left|right)", name, re.IGNORECASE)
    return match.group(1) if match else name


def _columns(path, header):
    names = [cell.strip().lower() for cell in header]
    for photo, grade in LAYOUTS:
        if photo in names and grade in names:
            return names.index(photo), names.index(grade)
    known = "; ".join(f"'{photo}' and '{grade}' ({kind})" for (photo, grade), kind in LAYOUTS.items())
    raise LabelError(f"{path}: no known pair of columns in the header {names}. Known pairs: {known}")


def _stem(cell):
    """The id without a picture ending; ids themselves may hold dots."""
    lower = cell.lower()
    for ending in PICTURE_ENDINGS:
        if lower.endswith(ending):
            return cell[:-len(ending)]
    return cell


def _pictures(folder):
    """Stem -> path of every picture below the folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURE_ENDINGS:
            continue
        if path.stem in found:
            raise LabelError(f"{folder}: two pictures named '{path.stem}': {found[path.stem]} and {path}")
        found[path.stem] = path
    return found


def _label_file(folder):
    files = sorted(folder.glob("*.csv"))
    if len(files) != 1:
        raise LabelError(f"{folder}: expected one .csv file with the labels, found {len(files)}")
    return files[0]


def read_folder(source, folder):
    """([Photo, ...] in the order of the label file, [names without a picture]) of a folder that holds one CSV and the pictures.

    Byte-order marks, blanks around headers and cells, empty columns and lines, and ids with a picture ending are
    accepted. A grade that is no integer from 0 to 4 and a photo listed twice with different grades are errors.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise LabelError(f"{folder}: no such folder")
    path = _label_file(folder)
    pictures = _pictures(folder)
    photos, missing, grades = [], [], {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        header = next(rows, None)
        if header is None:
            raise LabelError(f"{path}: empty file")
        photo_column, grade_column = _columns(path, header)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) <= max(photo_column, grade_column):
                raise LabelError(f"{path}:{rows.line_num}: {len(row)} columns, the header needs more")
            name, text = _stem(row[photo_column].strip()), row[grade_column].strip()
            if text not in ("0", "1", "2", "3", "4"):
                raise LabelError(f"{path}:{rows.line_num}: grade '{text}' is no integer from 0 to 4")
            grade = int(text)
            if name in grades:
                if grades[name] != grade:
                    raise LabelError(f"{path}:{rows.line_num}: '{name}' was listed before with grade {grades[name]}")
                continue
            grades[name] = grade
            if name in pictures:
                photos.append(Photo(source, name, pictures[name], grade, _patient(name)))
            else:
                missing.append(name)
    if not photos:
        raise LabelError(f"{path}: none of its {len(missing)} photos is below {folder}")
    return photos, missing
