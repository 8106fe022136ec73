# SPDX-License-Identifier: Apache-2.0
"""Joins a label file of any data set that fovea_tools.labels knows with the pictures beside it."""
import dataclasses
import os
import pathlib

from fovea_tools import labels
from fovea_tools.labels import LabelError

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # how a JPEG and a PNG begin: the fovea program reads both, whatever a file is called
UNKNOWN_GRADE = -1  # of a photo that is known to show retinopathy and no more


@dataclasses.dataclass(frozen=True)
class Photo:
    source: str         # the name given with --data
    name: str           # file name without ending, unique within the source
    path: pathlib.Path
    grade: int          # 0..4; Messidor's own scale ends at 3; UNKNOWN_GRADE
    patient: str        # photos of one patient share it; equal to name where nothing is known
    site: str = ""      # the clinic or camera within the source, where the label file tells


def named_folders(items, parser):
    """{source: folder} of the values of --data, NAME=FOLDER each; what does not do is said by the argument parser, which ends the program."""
    folders = {}
    for item in items:
        name, separator, folder = item.partition("=")
        if not separator or not name or name in folders:
            parser.error(f"--data {item}: expected NAME=FOLDER, each name once")
        folders[name] = pathlib.Path(folder).expanduser()
    return folders


def _grade(label):
    """The grade that training may use, or None. No retinopathy is grade 0."""
    if label.grade is not None or label.any_dr is None:
        return label.grade
    return UNKNOWN_GRADE if label.any_dr else 0


def is_picture(path):
    """Whether the fovea program reads the file."""
    try:
        with open(path, "rb") as file:
            return file.read(max(map(len, SIGNATURES))).startswith(SIGNATURES)
    except OSError:
        return False


def _files(folder):
    """Every file below the folder but hidden ones, in order. Linked folders are followed, each once."""
    found, seen = [], set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        place = os.path.realpath(parent)
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [pathlib.Path(parent) / name for name in names if not name.startswith(".")]
    return sorted(path for path in found if path.is_file())


def picture_files(folder):
    """Every picture below the folder that the fovea program reads, in order."""
    return [path for path in _files(folder) if is_picture(path)]


def _pictures(files):
    """Stem -> path of every picture among the files."""
    found = {}
    for path in files:
        if not is_picture(path):
            continue
        if path.stem in found:
            raise LabelError(f"{path.parent}: two pictures named '{path.stem}': {found[path.stem]} and {path}; what is not to be used must lie "
                             "elsewhere, and what is must have another name, in the label file too, or a source of its own")
        found[path.stem] = path
    return found


def _label_file(folder):
    files = sorted(folder.glob("*.csv"))
    if len(files) != 1:
        raise LabelError(f"{folder}: expected one .csv file with the labels, found {len(files)}")
    return files[0]


def read_folder(source, folder):
    """([Photo, ...] in the order of the label file, [names left out], [their files]) of a folder that holds one CSV and the pictures.

    Left out are names without a picture, and photos that the label file calls ungradable or gives no grade. Of the names without a
    picture, those files bear one that the fovea program does not read: TIFF, HEIC and the like, or what cannot be opened.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise LabelError(f"{folder}: no such folder")
    path = _label_file(folder)
    files = _files(folder)
    pictures = _pictures(files)
    photos, left_out, names = [], [], set()
    for label in labels.read_file(path).labels:
        name = label.name.rpartition("/")[2]
        if name in names:
            raise LabelError(f"{path}: two photos named '{name}'; give the second folder a source of its own")
        names.add(name)
        grade = _grade(label)
        if name in pictures and grade is not None and label.gradable is not False:
            photos.append(Photo(source, name, pictures[name], grade, label.patient, label.site))
        else:
            left_out.append(name)
    without = set(left_out) - set(pictures)
    unread = [file for file in files if file.stem in without and file != path]
    if not photos:
        raise LabelError(f"{path}: none of its {len(left_out)} photos is below {folder} and has a grade{unread_note(unread)}")
    return photos, left_out, unread


def unread_note(files):
    """For messages: names what is left out, and why; empty for none."""
    if not files:
        return ""
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"; neither JPEG nor PNG: {', '.join(map(str, files[:3]))}{more}"
