# SPDX-License-Identifier: Apache-2.0
"""Carrying ImageNet weights over: Small's early blocks must compute what the donor's blocks compute.

Needs TensorFlow with Keras 2; skipped without. With FOVEA_DATA also the real donor file is read.
"""
import os
import pathlib
import sys

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("PIL.Image")
if not tf.__version__.startswith("2.15"):
    pytest.skip("the recipe is written for TensorFlow 2.15 with Keras 2", allow_module_level=True)
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import network, warm_start  # noqa: E402

# (input, expanded, output channels, stride, residual) of the donor's blocks 1 to 5; all kernels are 3x3.
BLOCKS = [(16, 64, 24, 2, False), (24, 72, 24, 1, True), (24, 72, 40, 2, False), (40, 120, 40, 1, True), (40, 120, 40, 1, True)]


def donor():
    random = np.random.default_rng(0)

    def layer(h, i, o, count):
        return (random.normal(0, np.sqrt(2 / (h * h * i)), (h, h, i, o)).astype(np.float32),
                random.normal(0, 0.3, count).astype(np.float32))

    layers = {"Conv": layer(3, 3, 16, 16), "expanded_conv/project": layer(1, 16, 16, 16),
              "expanded_conv/depthwise": (random.normal(0, 0.4, (3, 3, 16, 1)).astype(np.float32), np.zeros(16, np.float32))}
    for number, (narrow, wide, out, _, _) in enumerate(BLOCKS, 1):
        block = f"expanded_conv_{number}"
        layers[f"{block}/expand"] = layer(1, narrow, wide, wide)
        layers[f"{block}/depthwise"] = (random.normal(0, 0.4, (3, 3, wide, 1)).astype(np.float32),
                                        random.normal(0, 0.3, wide).astype(np.float32))
        layers[f"{block}/project"] = layer(1, wide, out, out)
    return layers


def donor_block(layers, number, x):
    block, (_, _, _, stride, residual) = f"expanded_conv_{number}", BLOCKS[number - 1]
    kernel, bias = layers[f"{block}/expand"]
    y = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
    kernel, bias = layers[f"{block}/depthwise"]
    y = tf.nn.relu(tf.nn.depthwise_conv2d(y, kernel, (1, stride, stride, 1), "SAME") + bias)
    kernel, bias = layers[f"{block}/project"]
    y = tf.nn.conv2d(y, kernel, 1, "SAME") + bias
    return x + y if residual else y


def explained(wanted, found):
    """Share of the variance of `wanted` that `found` explains."""
    return 1 - np.sum((wanted - found) ** 2) / np.sum((wanted - np.mean(wanted, (0, 1, 2))) ** 2)


def test_blocks_compute_what_the_donors_do(monkeypatch):
    layers = donor()
    monkeypatch.setattr(warm_start, "read_tflite", lambda path: layers)
    monkeypatch.setattr(warm_start, "EXTRA_CHANNELS", 0.0)  # without the random part the first blocks are exact
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (8, 64, 64, 3)).astype(np.uint8)
    model = network.build("small", 64)
    head = model.get_layer("dense").get_weights()
    warm_start.apply(model, "donor.tflite", pictures, seed=3)

    backbone = next(layer for layer in model.layers if isinstance(layer, tf.keras.Model))
    ends = ["expanded_conv/project/BatchNorm", "expanded_conv_1/project/BatchNorm", "expanded_conv_2/Add",
            "expanded_conv_3/project/BatchNorm", "expanded_conv_4/Add", "expanded_conv_5/Add"]
    outputs = tf.keras.Model(backbone.input, [backbone.get_layer(name).output for name in ends]).predict(
        pictures.astype(np.float32) / 127.5 - 1, verbose=0)
    for number in range(1, 6):
        wanted = donor_block(layers, number, outputs[number - 1]).numpy()
        if number <= 2:
            np.testing.assert_allclose(outputs[number], wanted, atol=1e-3 * np.abs(wanted).max())
        else:  # hard-swish stands in for ReLU
            assert explained(wanted, outputs[number]) > 0.8
    for before, after in zip(head, model.get_layer("dense").get_weights()):
        np.testing.assert_array_equal(before, after)


def test_a_smaller_kernel_lies_in_the_centre_of_a_larger():
    kernel = np.arange(1, 10, dtype=np.float32).reshape(3, 3, 1, 1)
    wide = warm_start._pad_kernel(np.repeat(kernel, 2, axis=2), (5, 5, 4, 1), np.random.default_rng(0))
    np.testing.assert_array_equal(wide[1:4, 1:4, :2], np.repeat(kernel, 2, axis=2))
    assert not wide[0, :, :2].any() and not wide[:, 4, :2].any()
    assert wide[:, :, 2:].all()


def test_the_real_donor_is_read():
    if "FOVEA_DATA" not in os.environ:
        pytest.skip("FOVEA_DATA is not set")
    path = pathlib.Path(os.environ["FOVEA_DATA"]) / "models" / "mobilenet_v3_large_minimalistic_224_uint8.tflite"
    layers = warm_start.read_tflite(path)
    assert layers["Conv"][0].shape == (3, 3, 3, 16)
    for number, (narrow, wide, out, _, _) in enumerate(BLOCKS, 1):
        block = f"expanded_conv_{number}"
        assert layers[f"{block}/expand"][0].shape == (1, 1, narrow, wide)
        assert layers[f"{block}/depthwise"][0].shape == (3, 3, wide, 1)
        assert layers[f"{block}/project"][0].shape == (1, 1, wide, out)
        assert layers[f"{block}/project"][1].shape == (out,)
