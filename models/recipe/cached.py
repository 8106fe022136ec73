# SPDX-License-Identifier: Apache-2.0
"""What the frozen blocks make of a few views of each photo, run once: a training of the other blocks alone then costs minutes on few cores."""
import numpy as np
import tensorflow as tf

from . import augment

BATCH = 64


def write(path, early, pixels, settings, report=None):
    """Stores (photos, views, H, W, C) float16 as .npy: the output of `early` for each view of each photo. The views come from the
    training's seed."""
    training = settings["training"]
    views, size = training["cached_views"], training["sizes"][0][1]
    run = tf.function(lambda x: tf.cast(early(x, training=False), tf.float16))
    shape = run(tf.zeros((1, size, size, 3))).shape[1:]
    part = path.with_name("part.npy")
    maps = np.lib.format.open_memmap(part, "w+", np.float16, (len(pixels), views, *shape))
    for start in range(0, len(pixels), BATCH):
        batch = tf.constant(pixels[start:start + BATCH])
        for view in range(views):
            seed = tf.constant([training["seed"], start * views + view], tf.int32)
            maps[start:start + BATCH, view] = run(augment.augment(batch, seed, settings["augment"], size)).numpy()
        if report and (start // BATCH % 10 == 9 or start + BATCH >= len(pixels)):
            report(f"frozen blocks: step {min(start + BATCH, len(pixels))} of {len(pixels)} photos, {views} views each")
    maps.flush()
    part.replace(path)


def read(path):
    """What write() stored, read from the disk as it is needed."""
    return np.load(path, mmap_mode="r")
