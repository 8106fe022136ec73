# SPDX-License-Identifier: Apache-2.0
"""Makes the network's pictures with `fovea preprocess`, so that training and phone see the same pixels."""
import hashlib
import json
import pathlib
import shutil

import numpy as np
from PIL import Image

from . import labels, programs

COMPARED_SIZE = 224  # pictures in which near copies are looked for; split.near_duplicate holds for this size


class ImageError(Exception):
    pass


def preset_options(preset):
    """Command-line options of a [preset] table, alike for `fovea preprocess` and `fovea-convert`. A true value is a flag."""
    options = ["--preset", preset["name"]]
    for key, value in preset.items():
        if key == "name" or value is False:
            continue
        options.append("--" + key.replace("_", "-"))
        if value is not True:
            options.append(str(value))
    return options


def _state(folder):
    """A hash that changes where a photo is added, removed or written anew: of names, sizes and times."""
    folder = pathlib.Path(folder)
    photos = labels.picture_files(folder) if folder.is_dir() else [folder]
    lines = [f"{photo}\t{photo.stat().st_size}\t{photo.stat().st_mtime_ns}\n" for photo in photos]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _read_note(path):
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def preprocess(program, folder, preset, size, out, report=print):
    """Runs the program over all photos below folder; the pictures are below out, named <stem>.png.

    Done once: a note beside the pictures says from what photos and settings they were made, and others make them anew.
    """
    out = pathlib.Path(out)
    note = out / "made.json"
    options = [*preset_options(preset), "--size", str(size)]
    version = programs.output([program, "--version"], ImageError).strip()
    wanted = {"options": options, "folder": str(pathlib.Path(folder).resolve()), "program": version, "photos": _state(folder)}
    before = _read_note(note)
    if before == wanted:
        return
    if before is not None:
        what = ", ".join(key for key in wanted if before.get(key) != wanted[key])
        report(f"{folder}: other {what} than when its pictures were made; they are made anew")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    # 3: some photos could not be read. They are counted when the pictures are loaded.
    programs.output([program, "preprocess", folder, "--out-dir", out, *options], ImageError, accepted=(0, 3), show_progress=True)
    note.write_text(json.dumps(wanted, indent=1) + "\n")


def folder_of(folder, size):
    """Where the pictures of a size are: one folder a source below it."""
    return pathlib.Path(folder) / str(size)


def preprocess_all(program, folders, preset, size, out, report):
    """The pictures of all sources, in the network's size and in the size in which photos are compared with each other."""
    for wanted in sorted({size, COMPARED_SIZE}):
        for source, folder in folders.items():
            report(f"{source}: preparing the photos of {folder}, {wanted} x {wanted}")
            preprocess(program, folder, preset, wanted, folder_of(out, wanted) / source, report)


def load(photos, folder, size):
    """(uint8 (N, size, size, 3), [photos without a picture]); pictures are below folder/<source>, named <name>.png."""
    found = {source: {path.stem: path for path in (pathlib.Path(folder) / source).rglob("*.png")}
             for source in {photo.source for photo in photos}}
    pictures, missing = [], []
    for photo in photos:
        path = found[photo.source].get(photo.name)
        if path is None:
            missing.append(photo)
            continue
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        if pixels.shape != (size, size, 3):
            raise ImageError(f"{path}: {pixels.shape[1]} x {pixels.shape[0]}, expected {size} x {size}")
        pictures.append(pixels)
    return np.asarray(pictures, np.uint8).reshape(-1, size, size, 3), missing


def disc_distance(size):
    """(size, size) float32: distance of each pixel from the centre (size // 2, size // 2) that the presets mask about, in
    units of the inscribed disc's radius."""
    axis = np.arange(size, dtype=np.float32) - size // 2
    return np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2) / (size // 2)
