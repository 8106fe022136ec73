# SPDX-License-Identifier: Apache-2.0
"""What the tests of training share: TensorFlow, or a visible skip; tiny settings, photos and a stand-in for the donor's weights."""
import copy
import pathlib
import sys

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("sklearn")
pytest.importorskip("PIL.Image")
if not tf.__version__.startswith("2.15"):
    pytest.skip("the recipe is written for TensorFlow 2.15 with Keras 2", allow_module_level=True)
MODELS = pathlib.Path(__file__).parents[2] / "models"
sys.path.insert(0, str(MODELS))
from recipe import sampling, settings  # noqa: E402

SIZE = 64
# Augmentation that changes nothing but the angle and the flip.
STILL = {"zoom": [1.0, 1.0], "stretch": 1.0, "shift": 0.0, "soften": [0.0, 0.0], "desaturate": 0.0, "contrast": [1.0, 1.0],
         "tint": 0.0, "brightness": 0.0, "noise": 0.0, "jpeg": 0.0, "jpeg_quality": [20, 90], "mask": [0.8, 0.8], "companions": 0.0}


def shipped_settings():
    return settings.read(MODELS / "recipe" / "small224.toml")


def tiny_settings(**training):
    """The shipped settings for a network and a training of seconds; training: other values of that table."""
    values = copy.deepcopy(shipped_settings())
    values["network"].update(size=SIZE, alpha=0.25)
    values["training"].update(epochs=3, steps_per_epoch=2, batch=4, warmup_steps=2, sizes=[[0, SIZE]], keep="best", start_share=0.0)
    values["training"].update(training)
    return values


def tiny_data(count=24):
    random = np.random.default_rng(0)
    positive = np.tile([0, 0, 1, 1], count // 4).astype(np.int32)
    pixels = random.integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
    pixels[positive == 1] //= 3
    sources = np.array(["a", "b"] * (count // 2))
    return {"pixels": pixels, "positive": positive, "grades": positive * 2, "sources": sources, "sites": sources,
            "chance": sampling.probabilities(sources, positive, 0.5),
            "companion_chance": sampling.companion_probabilities(sources, positive)}


def weights_of(trainer):
    """Copies of everything that training changes."""
    return [v.numpy() for v in [*trainer.model.weights, *trainer.average.weights, *trainer.grade_head.weights,
                                *trainer.optimizer.variables]]


PARTS = sys.modules[tf.keras.applications.MobileNetV3Small.__module__]  # what Keras makes its backbones of
# The last convolution's channels; then (expansion, channels, stride, with squeeze and excitation) of each block. Every kind of block
# is there, and a halving behind the third; most of a test's time is that of building the networks.
SHORT = {"MobileNetV3Small": (1024, [(1, 16, 2, True), (4.5, 24, 2, False), (3.7, 24, 1, False), (4, 40, 2, True), (6, 40, 1, True)]),
         "MobileNetV3Large": (1280, [(1, 16, 1, False), (4, 24, 2, False), (3, 40, 2, True), (3, 40, 1, True), (6, 80, 2, False)])}


def short_backbone(name):
    """The maker of a backbone of few blocks, in the place of tf.keras.applications' of this name."""
    last, blocks = SHORT[name]

    def make(alpha=1.0, **settings):
        def stack(x, kernel, activation, se_ratio):
            for number, (expansion, channels, stride, gated) in enumerate(blocks):
                x = PARTS._inverted_res_block(x, expansion, PARTS._depth(channels * alpha), kernel, stride, se_ratio if gated else None,
                                              activation if gated else PARTS.relu, number)
            return x

        return PARTS.MobileNetV3(stack, last, alpha=alpha, **settings)

    return make


def shorten(monkeypatch):
    for name in SHORT:
        monkeypatch.setattr(tf.keras.applications, name, short_backbone(name))


@pytest.fixture
def eager(monkeypatch):
    """Runs the step, of short networks, without tracing it: three traces of the gradient would take minutes."""
    shorten(monkeypatch)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
