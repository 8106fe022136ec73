# SPDX-License-Identifier: Apache-2.0
"""From label files and pictures to the arrays of both sides of the split."""
import numpy as np

from . import duplicates, images, labels, split, train
from . import settings as settings_module


def _side(photos, pictures, group, side, wanted, first_positive):
    rows = [i for i, where in enumerate(side) if where == wanted]
    grades = np.asarray([photos[i].grade for i in rows], np.int32)
    return {"pixels": pictures[rows], "grades": grades, "positive": (grades >= first_positive).astype(np.int32),
            "sources": np.asarray([photos[i].source for i in rows]), "groups": np.asarray([group[i] for i in rows]),
            "names": [photos[i].name for i in rows]}


def prepare(settings, folders, image_folder, out, report=print):
    """(training arrays, validation arrays, [(source, positive, side) of every photo]); writes out/split.csv.

    folders: {source: folder with labels and photos}; image_folder: a folder for each source, as images.preprocess
    leaves them.
    """
    photos = []
    for source, folder in folders.items():
        found, left_out = labels.read_folder(source, folder)
        report(f"{source}: {len(found)} photos, {len(left_out)} listed without a picture or a grade")
        photos += found
    pictures, unreadable = images.load(photos, image_folder, settings["network"]["size"])
    if unreadable:
        report(f"{len(unreadable)} photos have no preprocessed picture and are left out: "
               + ", ".join(f"{p.source}/{p.name}" for p in unreadable[:10]))
        lost = set(unreadable)
        photos = [p for p in photos if p not in lost]

    hashes = [duplicates.content_hash(photo.path) for photo in photos]
    pairs = duplicates.equal_pairs(hashes)
    pairs += duplicates.equal_pairs([(p.source, p.patient) for p in photos])
    near = duplicates.near_pairs(duplicates.thumbnails(pictures), settings["split"]["near_duplicate"])
    group = duplicates.groups(len(photos), pairs + near)
    first_positive = settings_module.positive_from(settings)
    keep = split.drop_copies(photos, hashes, lambda grade: grade >= first_positive)
    fractions = {source: settings["split"]["fraction"].get(source, settings["split"]["default_fraction"])
                 for source in folders}
    side = split.assign(photos, group, keep, fractions, settings["split"]["seed"])
    split.write(out / "split.csv", photos, hashes, group, side)

    data = _side(photos, pictures, group, side, split.TRAIN, first_positive)
    validation = _side(photos, pictures, group, side, split.VALIDATION, first_positive)
    data["chance"] = train.sampling_probabilities(data["sources"], data["positive"],
                                                  settings["training"]["source_exponent"])
    data["companion_chance"] = train.companion_probabilities(data["sources"], data["positive"])
    report(f"{len(photos)} photos in {len(set(group))} groups ({len(near)} near-identical pairs): "
           f"{len(data['names'])} to train, {len(validation['names'])} to validate, "
           f"{side.count(split.DROPPED)} copies or contradictions left out")
    rows = [(photo.source, int(photo.grade >= first_positive), where) for photo, where in zip(photos, side)]
    return data, validation, rows
