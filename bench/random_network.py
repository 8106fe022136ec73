# SPDX-License-Identifier: Apache-2.0
"""The networks of the benches: the recipe's, with random weights that keep every layer alive.

Fresh Keras weights shrink the signal from layer to layer until all inputs give one answer, and engines that compute
different things would agree. Here the statistics of the batch normalisations are those of real pictures,
their scales are random, and the last layer is scaled so that the probabilities spread.
"""
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "tests" / "golden" / "data" / "photos"
NETWORKS = {"large512": ("large", 512), "small512": ("small", 512), "large224": ("large", 224), "small224": ("small", 224)}


def pictures(size, seed=0):
    """(N, size, size, 3) uint8: the sample photos, a gradient and noise of two grains."""
    from PIL import Image

    made = [np.asarray(Image.open(path).convert("RGB").resize((size, size))) for path in sorted(PHOTOS.glob("IDRiD_*.jpg"))]
    if not made:
        raise FileNotFoundError(f"{PHOTOS}: the sample photos are gone")
    ramp = np.linspace(0, 255, size)
    made.append(np.stack([ramp + 0 * ramp[:, None], ramp[::-1, None] + 0 * ramp, (ramp + ramp[:, None]) / 2], -1))
    random = np.random.default_rng(seed)
    made.append(random.integers(0, 256, (size, size, 3)))
    coarse = random.integers(0, 256, (size // 16, size // 16, 3))
    made.append(coarse.repeat(16, 0).repeat(16, 1))
    return np.stack([np.asarray(picture).astype(np.uint8) for picture in made])


def build_calibrated(architecture, size, seed=0):
    """A tf.keras.Model from RGB pixels 0..255 to two probabilities; the same weights for the same seed."""
    sys.path.insert(0, str(ROOT / "models"))
    import tensorflow as tf
    from recipe.network import build, leaf_layers, logits_of

    tf.keras.utils.set_random_seed(seed)
    model = build(architecture, size)
    random = np.random.default_rng(seed)
    normalisations = [layer for layer in leaf_layers(model) if isinstance(layer, tf.keras.layers.BatchNormalization)]
    for layer in normalisations:
        layer.gamma.assign(random.uniform(0.6, 1.4, layer.gamma.shape))
        layer.beta.assign(random.normal(0, 0.3, layer.beta.shape))
        layer.momentum = 0.0  # the moving statistics become those of the one batch below
    batch = pictures(size, seed)
    model(batch.astype(np.float32), training=True)
    for layer in normalisations:
        layer.momentum = 0.999
    last = model.get_layer("dense_1")
    logits = logits_of(model, batch)
    margins = logits[:, 1] - logits[:, 0]
    if margins.std() == 0:
        raise RuntimeError(f"{architecture} {size}: all pictures give one answer")
    kernel, bias = last.get_weights()
    scale = 1.5 / margins.std()
    last.set_weights([kernel * scale, np.array([0.5, -0.5], np.float32) * scale * margins.mean()])
    return model


def build_of_detector(architecture, size, detector):
    """The recipe's network for pictures of that size with the weights of a detector's file."""
    sys.path[:0] = [str(ROOT / "converter"), str(ROOT / "models")]
    from recipe import from_detector, network

    model = network.build(architecture, size)
    from_detector.apply(model, detector, pictures(size))
    return model
