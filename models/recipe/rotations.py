# SPDX-License-Identifier: Apache-2.0
"""The augmentation of the thesis: each photo becomes k fixed pictures, itself and k - 1 copies rotated by random angles.

The copies are not stored: a side of the split names for each picture the photo and the angle, and they are turned when
they are needed. Angles come from the seed, so the same picture is the same in every epoch.
"""
import math

import numpy as np
import tensorflow as tf

from . import network

PER_PICTURE = ("positive", "grades", "sources", "sites", "groups")


def expand(side, count, balance, seed):
    """The side of a split with `count` pictures a photo: "photo" and "angles" say what each picture is.

    balance: the smaller class gets further copies, one photo after the other, until both classes have as many pictures.
    """
    positive = side["positive"]
    photo = np.repeat(np.arange(len(positive)), count)
    angles = np.tile(np.arange(count) > 0, len(positive)).astype(float)
    if balance:
        smaller = int(np.mean(positive) < 0.5)
        members, missing = np.flatnonzero(positive == smaller), count * abs(int(np.sum(1 - 2 * positive)))
        if len(members):
            photo = np.concatenate([photo, np.resize(members, missing)])
            angles = np.concatenate([angles, np.ones(missing)])
    angles *= np.random.default_rng(seed).uniform(0, 2 * math.pi, len(angles))
    return {**side, "photo": photo, "angles": angles.astype(np.float32), **{key: side[key][photo] for key in PER_PICTURE}}


def choose(side, pictures):
    """The same side with some of its pictures only."""
    return {**side, **{key: side[key][pictures] for key in ("photo", "angles", *PER_PICTURE)}}


def originals(side):
    """The same side with each of its photos once, as it is."""
    if "photo" not in side:
        return side
    photos, first = np.unique(side["photo"], return_index=True)
    return {**{key: value for key, value in side.items() if key not in ("photo", "angles")},
            **{key: side[key][first] for key in PER_PICTURE},
            **{key: [side[key][photo] for photo in photos] for key in ("names", "paths")}, "pixels": side["pixels"][photos]}


def rotate(pixels, angles, out_size=None):
    """(N, S, S, 3) pixels -> float32 of that shape, or of side out_size, each turned about the centre of its pixels by its angle
    (radians), bilinear, black where nothing was."""
    size = pixels.shape[1]
    out_size = out_size or size
    shrink, centre, out_centre = size / out_size, (size - 1) / 2, (out_size - 1) / 2
    cosine, sine = tf.cos(angles) * shrink, tf.sin(angles) * shrink
    zero = tf.zeros_like(angles)
    transforms = tf.stack([cosine, sine, centre - (cosine + sine) * out_centre,
                           -sine, cosine, centre - (cosine - sine) * out_centre, zero, zero], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(pixels, tf.float32), transforms=transforms, output_shape=[out_size, out_size],
        interpolation="BILINEAR", fill_mode="CONSTANT", fill_value=0.0)


def logits(model, side, batch=64, run=None):
    """Logits (N, classes) of all pictures of a side, rotated or not. run: network.forward(model), where it is there already."""
    if "angles" not in side:
        return network.logits_of(model, side["pixels"], batch, run)
    run = run or network.forward(model)
    return np.concatenate([
        run(rotate(side["pixels"][side["photo"][i:i + batch]], tf.constant(side["angles"][i:i + batch]))).numpy()
        for i in range(0, len(side["photo"]), batch)])
