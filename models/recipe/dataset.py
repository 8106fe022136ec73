# SPDX-License-Identifier: Apache-2.0
"""From label files and pictures to the arrays of both sides of the split."""
import dataclasses

import numpy as np

from . import duplicates, images, labels, rotations, sampling, split
from . import settings as settings_module


@dataclasses.dataclass(frozen=True)
class Collection:
    """All photos with what decides about their side: equal pixels share a hash, what belongs together a group."""

    photos: list
    pictures: np.ndarray    # uint8 (N, S, S, 3), what the network sees
    hashes: list
    group: list
    near: int               # pairs that are nearly the same picture


def collect(settings, folders, image_folder, report=print):
    """Every photo with a picture. folders: {source: folder with labels and photos}; image_folder: where images.preprocess_all left
    the pictures."""
    photos = []
    for source, folder in folders.items():
        found, left_out, unread = labels.read_folder(source, folder)
        report(f"{source}: {len(found)} photos, {len(left_out)} listed without a picture or a grade{labels.unread_note(unread)}")
        unknown = [photo for photo in found if photo.grade == labels.UNKNOWN_GRADE]
        if unknown and settings_module.positive_from(settings) > 1:
            report(f"{source}: {len(unknown)} photos show retinopathy of unknown grade and are left out")
            found = [photo for photo in found if photo.grade != labels.UNKNOWN_GRADE]
        photos += found
    size = settings["network"]["size"]
    pictures, unreadable = images.load(photos, images.folder_of(image_folder, size), size)
    if unreadable:
        report(f"{len(unreadable)} photos have no preprocessed picture and are left out: "
               + ", ".join(f"{p.source}/{p.name}" for p in unreadable[:10]))
        lost = set(unreadable)
        photos = [p for p in photos if p not in lost]
    hashes = []
    for number, photo in enumerate(photos, start=1):
        hashes.append(duplicates.content_hash(photo.path))
        if number % 500 == 0:
            report(f"looking for copies: step {number} of {len(photos)} photos")
    pairs = duplicates.equal_pairs(hashes)
    origin = {source: joined[0] for joined in settings["split"]["same_patients"] for source in joined}
    pairs += duplicates.equal_pairs([(origin.get(p.source, p.source), p.patient) for p in photos])
    # The preset's blur has a fixed radius in pixels: only pictures of one size are alike in the same measure.
    alike = pictures
    if size != images.COMPARED_SIZE:
        alike, missing = images.load(photos, images.folder_of(image_folder, images.COMPARED_SIZE), images.COMPARED_SIZE)
        if missing:
            raise images.ImageError(f"{image_folder}: {missing[0].source}/{missing[0].name} was prepared in one size only")
    report(f"looking for near copies among {len(photos)} photos")
    near = duplicates.near_pairs(duplicates.thumbnails(alike), settings["split"]["near_duplicate"])
    return Collection(photos, pictures, hashes, duplicates.groups(len(photos), pairs + near), len(near))


def is_positive(first_positive):
    """grade -> whether it counts as positive. Photos of unknown grade are here only where every grade above 0 does."""
    return lambda grade: grade >= first_positive or grade == labels.UNKNOWN_GRADE


def said_by_copies(settings):
    """grade -> what copies of one photo must agree on, to be of use: what the network learns of it."""
    return (lambda grade: grade) if settings_module.has_grades(settings) else is_positive(settings_module.positive_from(settings))


def side(collection, rows, first_positive):
    """The arrays of some of the photos. first_positive: the lowest grade that counts as positive."""
    photos = [collection.photos[i] for i in rows]
    grades = np.asarray([photo.grade for photo in photos], np.int32)
    return {"pixels": collection.pictures[rows], "grades": grades,
            "positive": np.asarray([is_positive(first_positive)(grade) for grade in grades], np.int32),
            "sources": np.asarray([photo.source for photo in photos]), "sites": np.asarray([photo.site for photo in photos]),
            "groups": np.asarray([collection.group[i] for i in rows]),
            "names": [photo.name for photo in photos], "paths": [photo.path for photo in photos]}


def with_chances(settings, data):
    """Training arrays with the rotated copies that the settings want and each picture's chance to be drawn."""
    training = settings["training"]
    companions = sampling.companion_probabilities(data["sources"], data["positive"])
    if settings["augment"]["rotations"] and "angles" not in data:
        data = rotations.expand(data, settings["augment"]["rotations"], training["class_balance"], training["seed"])
    chance = sampling.probabilities(data["sources"], data["positive"], training["source_exponent"], training["class_balance"],
                                    data["sites"])
    return {**data, "chance": chance, "companion_chance": companions}


def prepare(settings, folders, image_folder, out, report=print, unseen=None, earlier=None):
    """(training arrays, validation arrays, [(source, positive, side) of every photo]); writes out/split.csv.

    unseen: a source of which no photo is trained on and all are validated on. earlier: split.read_earlier of a split whose sides stay.
    """
    collection = collect(settings, folders, image_folder, report)
    photos = collection.photos
    first_positive = settings_module.positive_from(settings)
    keep = split.drop_copies(photos, collection.hashes, said_by_copies(settings))
    fractions = {source: settings["split"]["fraction"].get(source, settings["split"]["default_fraction"])
                 for source in folders}
    sides = split.assign(photos, collection.group, keep, fractions, settings["split"]["seed"], earlier)
    if unseen is not None:
        sides = split.leave_out(photos, collection.group, sides, unseen)
    split.write(out / "split.csv", photos, collection.hashes, collection.group, sides)

    def chosen(wanted):
        return side(collection, [i for i, where in enumerate(sides) if where == wanted], first_positive)

    data, validation = with_chances(settings, chosen(split.TRAIN)), chosen(split.VALIDATION)
    report(f"{len(photos)} photos in {len(set(collection.group))} groups ({collection.near} near-identical pairs): "
           f"{len(data['names'])} to train, {len(validation['names'])} to validate, "
           f"{sides.count(split.DROPPED)} copies or contradictions left out")
    rows = [(photo.source, int(is_positive(first_positive)(photo.grade)), where) for photo, where in zip(photos, sides)]
    return data, validation, rows
