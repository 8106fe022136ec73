# SPDX-License-Identifier: Apache-2.0
"""How much of the answer lies in the camera: what simple classifiers find in frame, colour, sharpness and a tiny copy of
the photo, and what the detector finds when the rim, or all but the rim, is blanked."""
import numpy as np
from PIL import Image, ImageOps
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from . import evaluate, grades, images

SIDE = 224          # every photo is looked at in this size, so that only its content counts
LIT = 7             # grey value above which a pixel belongs to the eye, as in the presets
CORNER = 0.15       # side of a corner's square, in units of the picture's
RIM = 0.85          # radius from which a pixel counts as rim, in units of the inscribed disc's
MASK = 0.9          # radius of the disc that hides the corners
TREES = 200
GREY = np.array([0.299, 0.587, 0.114], np.float32)


def frame(picture, aspect):
    """9 numbers: width over height; the black margin at each side; the lit share of each corner."""
    lit = picture @ GREY > LIT
    size, corner = len(lit), round(CORNER * len(lit))
    margins = []
    for line in (lit.any(axis=0), lit.any(axis=1)):
        where = np.flatnonzero(line)
        margins += [where[0] / size, (size - 1 - where[-1]) / size] if len(where) else [1.0, 1.0]
    corners = [lit[y, x].mean() for y in (slice(corner), slice(-corner, None)) for x in (slice(corner), slice(-corner, None))]
    return [aspect, *margins, *corners]


def _inside(picture):
    """Lit pixels inside the inscribed disc, without the rim."""
    inside = (picture @ GREY > LIT) & (images.disc_distance(len(picture)) < RIM)
    return inside if inside.any() else np.ones_like(inside)


def colour(picture, aspect=None):
    """6 numbers: mean and spread of red, green and blue inside the disc."""
    values = picture[_inside(picture)].astype(np.float32)
    return [*values.mean(axis=0), *values.std(axis=0)]


def sharpness(picture, aspect=None):
    """4 numbers: the logarithm of the contrast at scales of one, two, four and eight pixels, inside the disc."""
    inside = _inside(picture)
    level = Image.fromarray((picture @ GREY).astype(np.float32))
    found = []
    for factor in (1, 2, 4, 8):
        side = len(picture) // (2 * factor)
        coarser = level.resize((side, side), Image.Resampling.BOX)
        detail = np.asarray(level) - np.asarray(coarser.resize(level.size, Image.Resampling.BILINEAR))
        here = inside[factor // 2::factor, factor // 2::factor]
        found.append(float(np.log(detail[here].std() + 1e-3)))
        level = coarser
    return found


def thumbnail(picture, aspect=None):
    """192 numbers: a copy of 8 x 8 pixels."""
    return np.asarray(Image.fromarray(picture).resize((8, 8), Image.Resampling.BOX)).ravel()


FEATURES = {"frame": frame, "colour": colour, "sharpness": sharpness, "thumbnail": thumbnail}
DESCRIPTION = {"frame": "shape of frame and corners (9 numbers)", "colour": "mean and spread of colour in the disc (6)",
               "sharpness": "contrast at four scales (4)", "thumbnail": "a copy of 8 x 8 pixels (192)"}


def original(path):
    """(uint8 (SIDE, SIDE, 3), width over height) of a photo as the camera framed it."""
    with Image.open(path) as image:
        image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded no larger than needed
        upright = ImageOps.exif_transpose(image).convert("RGB")
        aspect = upright.width / upright.height
        return np.asarray(upright.resize((SIDE, SIDE), Image.Resampling.BOX)), aspect


def seen(pixels):
    """The same of what the network sees."""
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX)), 1.0


def features(pictures):
    """{probe: (N, numbers)} of an iterable of (picture, aspect)."""
    rows = {name: [] for name in FEATURES}
    for picture, aspect in pictures:
        for name, function in FEATURES.items():
            rows[name].append(function(picture, aspect))
    return {name: np.asarray(values, np.float32) for name, values in rows.items()}


def _by_source(side, margin):
    """{source: {"auc", "accuracy"}}; margin: above 0 the positive class is likelier."""
    return {name: {"auc": float(roc_auc_score(side["positive"][here], margin[here])),
                   "accuracy": float(np.mean((margin[here] > 0) == side["positive"][here]))}
            for name, here in evaluate.sources_with_both_classes(side["sources"], side["positive"])}


def _score(train, train_positive, validation, side):
    forest = RandomForestClassifier(TREES, min_samples_leaf=3, random_state=0).fit(train, train_positive)
    return _by_source(side, forest.predict_proba(validation)[:, 1] - 0.5)


def largest_source(side):
    names, counts = np.unique(side["sources"], return_counts=True)
    return str(names[np.argmax(counts)])


def classical(data, validation):
    """What classifiers without a network find: {"trained_on", "original": {probe: {source: {"auc", "accuracy"}}}, "seen": the same}.

    They learn from the training photos of the largest source, and are scored on the validation photos of each.
    """
    source = largest_source(data)
    rows = np.flatnonzero(data["sources"] == source)
    positive = data["positive"][rows]
    views = {"original": lambda side, row: original(side["paths"][row]), "seen": lambda side, row: seen(side["pixels"][row])}
    result = {"trained_on": source, "trained_photos": len(rows)}
    for name, view in views.items():
        train = features(view(data, row) for row in rows)
        held = features(view(validation, row) for row in range(len(validation["positive"])))
        result[name] = {probe: _score(train[probe], positive, held[probe], validation) for probe in FEATURES}
    return result


def _blanked(validation):
    """{probe: the pictures with a part blanked}."""
    pixels = validation["pixels"]
    distance = images.disc_distance(pixels.shape[1])[None, :, :, None]
    return {"rim only": np.where(distance >= RIM, pixels, np.uint8(128)),
            "without rim": np.where(distance >= RIM, np.uint8(0), pixels),
            "corners masked": np.where(distance > MASK, np.uint8(0), pixels)}


def blanked(validation, logits_of):
    """{probe: {source: {"auc", "accuracy"}}} of the detector with parts of the pictures blanked. One that reads eyes and not
    cameras has an AUC of about 0.5 when only the rim is left, and loses little with masked corners. logits_of: pictures -> logits;
    the accuracy is that of the likelier class."""
    results = {}
    for probe, pictures in _blanked(validation).items():
        logits = logits_of(pictures).astype(np.float64)
        results[probe] = _by_source(validation, grades.log_odds(logits))
    return results
