# SPDX-License-Identifier: Apache-2.0
"""Carrying ImageNet weights over: Large, and Small's early blocks, must compute what the donor computes. With FOVEA_DATA also the
real donor file is read."""
import os
import pathlib

import numpy as np
import pytest
from recipe_helpers import tf

from recipe import network, warm_start

# (input, expanded, output channels, stride, residual) of the donor's blocks 1 to 14; all its kernels are 3x3.
BLOCKS = [(16, 64, 24, 2, False), (24, 72, 24, 1, True), (24, 72, 40, 2, False), (40, 120, 40, 1, True), (40, 120, 40, 1, True),
          (40, 240, 80, 2, False), (80, 200, 80, 1, True), (80, 184, 80, 1, True), (80, 184, 80, 1, True), (80, 480, 112, 1, False),
          (112, 672, 112, 1, True), (112, 672, 160, 2, False), (160, 960, 160, 1, True), (160, 960, 160, 1, True)]
OF_SMALL = 5  # of these blocks Small has


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
    layers["Conv_1"] = layer(1, 160, 960, 960)
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


def warm(monkeypatch, architecture):
    """(the donor's layers, the warm network, the pictures, weights of a layer that must stay)"""
    layers = donor()
    monkeypatch.setattr(warm_start, "read_tflite", lambda path: layers)
    # Without the random parts the only difference left is the hard-swish in place of ReLU.
    monkeypatch.setattr(warm_start, "EXTRA_CHANNELS", 0.0)
    monkeypatch.setattr(warm_start, "GATE_RESPONSE", 0.0)
    pictures = np.random.default_rng(1).integers(0, 256, (8, 96, 96, 3)).astype(np.uint8)
    model = network.build(architecture, 96)
    head = model.get_layer("dense").get_weights()
    said = []
    warm_start.apply(model, architecture, "donor.tflite", pictures, seed=3, report=said.append)
    # A sign of life for each layer, which takes seconds: all together minutes.
    assert len(said) >= 3 * OF_SMALL and said[0].startswith("taking over the weights: step 1 of at most ")
    for before, after in zip(head, model.get_layer("dense").get_weights()):
        np.testing.assert_array_equal(before, after)
    return layers, model, pictures


def block_outputs(model, pictures, last):
    """What the blocks 0 to `last` give, in order."""
    body = network.backbone(model)
    names = ["expanded_conv"] + [f"expanded_conv_{number}" for number in range(1, last + 1)]
    present = {layer.name for layer in body.layers}
    ends = [f"{name}/Add" if f"{name}/Add" in present else f"{name}/project/BatchNorm" for name in names]
    outputs = tf.keras.Model(body.input, [body.get_layer(end).output for end in ends])
    return outputs.predict(pictures.astype(np.float32) / 127.5 - 1, verbose=0)


def test_smalls_blocks_compute_what_the_donors_do(monkeypatch):
    layers, model, pictures = warm(monkeypatch, "small")
    outputs = block_outputs(model, pictures, OF_SMALL)
    for number in range(1, OF_SMALL + 1):
        wanted = donor_block(layers, number, outputs[number - 1]).numpy()
        if number <= 2:
            np.testing.assert_allclose(outputs[number], wanted, atol=1e-3 * np.abs(wanted).max())
        else:  # hard-swish stands in for ReLU
            assert explained(wanted, outputs[number]) > 0.8


def test_large_computes_what_the_donor_does(monkeypatch):
    layers, model, pictures = warm(monkeypatch, "large")
    scaled = pictures.astype(np.float32) / 127.5 - 1
    outputs = block_outputs(model, pictures, len(BLOCKS))
    wanted = warm_start._large_block0(layers, scaled).numpy()
    shares = [explained(wanted, outputs[0] / warm_start.HARD_SWISH_GAIN)]
    for number in range(1, len(BLOCKS) + 1):
        before = outputs[number - 1] / (warm_start.HARD_SWISH_GAIN if number == 1 else 1.0)
        wanted = donor_block(layers, number, before).numpy()
        shares.append(explained(wanted, outputs[number]))
        if number <= 5:  # ReLU there as in the donor
            assert shares[-1] > 0.9999, f"block {number}"
    kernel, bias = layers["Conv_1"]
    wanted = tf.nn.relu(tf.nn.conv2d(outputs[-1], kernel, 1, "SAME") + bias).numpy()
    shares.append(explained(wanted, network.backbone(model).predict(scaled, verbose=0) / warm_start.HARD_SWISH_GAIN))
    assert min(shares) > 0.95, shares


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
    assert layers["Conv_1"][0].shape == (1, 1, 160, 960)
    for number, (narrow, wide, out, _, _) in enumerate(BLOCKS, 1):
        block = f"expanded_conv_{number}"
        assert layers[f"{block}/expand"][0].shape == (1, 1, narrow, wide)
        assert layers[f"{block}/depthwise"][0].shape == (3, 3, wide, 1)
        assert layers[f"{block}/project"][0].shape == (1, 1, wide, out)
        assert layers[f"{block}/project"][1].shape == (out,)
