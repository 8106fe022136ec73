# SPDX-License-Identifier: Apache-2.0
"""Splits originals into training and validation, before any augmentation, group by group."""
import collections
import csv
import random

TRAIN, VALIDATION, DROPPED = "train", "validation", "dropped"


class SplitError(Exception):
    pass


def drop_copies(photos, hashes, meaning):
    """True for every photo that stays: one of each set of identical pictures, none where copies disagree on the target.

    meaning: grade -> what it says of the target. Which side would be right is unknown, so a contradiction is of no use on either side.
    """
    by_hash = collections.defaultdict(list)
    for index, value in enumerate(hashes):
        by_hash[value].append(index)
    keep = [False] * len(photos)
    for members in by_hash.values():
        if len({meaning(photos[i].grade) for i in members}) == 1:
            keep[members[0]] = True
    return keep


def assign(photos, group, keep, fractions, seed, earlier=None):
    """"train", "validation" or "dropped" for each photo.

    group: number of each photo's group; a group never spans both sides. fractions: source -> share of its photos for
    validation. Stratified: within a source, groups of the same highest grade are shuffled (seeded) and the share
    is taken from each; so a stratum is met to within one group. earlier: {(source, name): side} of a split whose sides stay;
    a group with a photo that was trained on is trained on.
    """
    earlier = earlier or {}
    members = collections.defaultdict(list)
    for index, number in enumerate(group):
        if keep[index]:
            members[number].append(index)
    strata = collections.defaultdict(list)
    side = [TRAIN if kept else DROPPED for kept in keep]
    for number, indices in members.items():
        before = {earlier.get((photos[i].source, photos[i].name)) for i in indices} & {TRAIN, VALIDATION}
        if before:
            for index in indices:
                side[index] = TRAIN if TRAIN in before else VALIDATION
            continue
        # A group over two sources counts for that of its first photo.
        source = photos[indices[0]].source
        strata[source, max(photos[i].grade for i in indices)].append(number)

    for source, grade in sorted(strata):
        numbers = sorted(strata[source, grade])
        random.Random(f"{seed}/{source}/{grade}").shuffle(numbers)
        total = sum(len(members[n]) for n in numbers)
        taken = 0
        for number in numbers:
            if taken + len(members[number]) / 2 > fractions[source] * total:
                break
            taken += len(members[number])
            for index in members[number]:
                side[index] = VALIDATION
    return side


def leave_out(photos, group, side, source):
    """The sides with all photos of a source in the validation, and none that belongs to one of its groups in the training."""
    of_source = {number for photo, number in zip(photos, group) if photo.source == source}
    result = []
    for photo, number, where in zip(photos, group, side):
        if where != DROPPED and number in of_source:
            where = VALIDATION if photo.source == source else DROPPED
        result.append(where)
    return result


def read_earlier(path):
    """{(source, name): side} of a written or published split."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SplitError(f"{path}: {error}") from error
    sides = {}
    for line, row in enumerate(rows, start=2):
        if not {"source", "name", "side"} <= set(row) or row["side"] not in (TRAIN, VALIDATION, DROPPED):
            raise SplitError(f"{path}:{line}: expected the columns source, name and side (train, validation or dropped)")
        sides[row["source"], row["name"]] = row["side"]
    if not sides:
        raise SplitError(f"{path}: no photo in it")
    return sides


def publish(path, published):
    """A copy of a written split with what others need to keep the sides apart, and no more: fovea-evaluate reads it with --split."""
    columns = ("source", "name", "group", "side")
    with open(path, newline="") as file, open(published, "w", newline="") as out:
        rows = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
        rows.writeheader()
        rows.writerows(csv.DictReader(file))


def write(path, photos, hashes, group, side):
    """The split as a CSV that a reader can check and another training can reuse."""
    with open(path, "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["source", "name", "grade", "patient", "group", "sha256_of_pixels", "side"])
        for photo, value, number, where in zip(photos, hashes, group, side):
            rows.writerow([photo.source, photo.name, photo.grade, photo.patient, number, value, where])
