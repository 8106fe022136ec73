# SPDX-License-Identifier: Apache-2.0
"""Makes keras3_slices.keras and .json: Keras 3's slices and operations in one network, and what Keras 3 itself says of four pictures.

    pip install keras==3.15.1 jax && KERAS_BACKEND=jax python make_keras3_slices.py
"""
import json
import pathlib

import keras
import numpy as np
from keras import layers, ops

SIDE = 16
FOLDER = pathlib.Path(__file__).parent


def pictures():
    return np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3)).astype(np.uint8)


def network():
    pixels = keras.Input((SIDE, SIDE, 3))
    maps = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    maps = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(maps)
    vector = layers.GlobalAveragePooling2D()(maps)
    gated = maps * layers.Conv2D(8, 1, activation="sigmoid")(vector[:, None, None, :])
    plain = ops.concatenate([ops.amax(gated, axis=-1, keepdims=True), ops.mean(gated, axis=-1, keepdims=True)], axis=-1)
    gated = gated * layers.Conv2D(1, 3, padding="same", activation="sigmoid")(plain)
    halves = gated[..., :4] * keras.activations.sigmoid(gated[..., 4:])
    picked = [halves, gated[:, :, :, ::2], gated[..., ::-1], gated[..., -3:], gated[..., 3:4], ops.expand_dims(gated[..., 2], -1)]
    vector = layers.GlobalAveragePooling2D()(ops.concatenate(picked, axis=-1) + vector[:, None, None, :1])
    return keras.Model(pixels, layers.Dense(2)(vector[:, 2:]))


if __name__ == "__main__":
    keras.utils.set_random_seed(3)
    model = network()
    model.save(FOLDER / "keras3_slices.keras")
    logits = model.predict(pictures().astype(np.float32), verbose=0)
    (FOLDER / "keras3_slices.json").write_text(json.dumps({"keras": keras.__version__, "logits": logits.tolist()}) + "\n")
