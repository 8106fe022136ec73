# SPDX-License-Identifier: Apache-2.0
"""Network, augmentation and training loop of the recipe. Needs TensorFlow with Keras 2; skipped without."""
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
from recipe import augment, images, network, settings, train  # noqa: E402

SIZE = 64


def shipped_settings():
    return settings.read(MODELS / "recipe" / "small224.toml")


@pytest.fixture
def tiny_settings():
    values = copy.deepcopy(shipped_settings())
    values["network"].update(size=SIZE, alpha=0.25)
    values["training"].update(epochs=3, steps_per_epoch=2, batch=4, warmup_steps=2)
    return values


def tiny_data(count=24):
    random = np.random.default_rng(0)
    positive = np.tile([0, 0, 1, 1], count // 4).astype(np.int32)
    pixels = random.integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
    pixels[positive == 1] //= 3
    sources = np.array(["a", "b"] * (count // 2))
    return {"pixels": pixels, "positive": positive, "grades": positive * 2, "sources": sources,
            "chance": train.sampling_probabilities(sources, positive, 0.5)}


def parameters(model):
    return [int(sum(np.prod(v.shape) for v in weights))
            for weights in (model.trainable_weights, model.non_trainable_weights)]


@pytest.mark.parametrize("architecture, trainable, fixed",
                         [("small", 1_130_773, 12_112), ("large", 3_495_685, 24_400)])
def test_parameter_counts_are_the_published_ones(architecture, trainable, fixed):
    assert parameters(network.build(architecture, 224)) == [trainable, fixed]


def test_layer_names_are_the_published_ones():
    model = network.build("large", 64)
    names = [layer.name for layer in model.layers]
    wanted = ["rescaling", "MobilenetV3large", "average_pooling2d", "max_pooling2d", "flatten", "mlp_0_squeeze", "mlp_1",
              "max_pool_add_avg_pool", "sigmoid_channel", "multiply_20", "tf.math.reduce_mean", "tf.math.reduce_max",
              "combine_max_avg", "conv2d", "sigmoid_spatial", "multiply_21", "final_sum_att_feat", "top_pool", "flatten_1",
              "dropout", "dense", "dense_1"]
    assert sorted(wanted) == sorted(names[1:])


def test_logits_lead_to_the_models_probabilities():
    model = network.build("small", SIZE, alpha=0.25)
    pixels = tiny_data()["pixels"]
    logits = network.logits_of(model, pixels, batch=7)
    assert logits.shape == (24, 2)
    np.testing.assert_allclose(tf.nn.softmax(logits), model.predict(pixels.astype(np.float32), verbose=0), atol=1e-6)


def test_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="medium"):
        network.build("medium", 224)


def test_augmentation_depends_on_its_seed_alone():
    pixels = tf.constant(tiny_data()["pixels"])
    chosen = shipped_settings()["augment"]
    first = augment.augment(pixels, tf.constant([1, 2]), chosen)
    assert np.array_equal(first, augment.augment(pixels, tf.constant([1, 2]), chosen))
    assert not np.array_equal(first, augment.augment(pixels, tf.constant([1, 3]), chosen))
    assert 0 <= np.min(first) and np.max(first) <= 255
    outside = images.disc_distance(SIZE) > chosen["mask"][1]
    assert outside.any() and not np.any(first.numpy()[:, outside])


def test_augmentation_without_strength_is_a_rotation_about_the_centre():
    """Rings about the centre stay where they are, whatever the angle and flip."""
    still = {"zoom": [1.0, 1.0], "stretch": 1.0, "shift": 0.0, "soften": [0.0, 0.0], "desaturate": 0.0,
             "contrast": [1.0, 1.0], "tint": 0.0, "brightness": 0.0, "noise": 0.0, "mask": [0.8, 0.8]}
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    rings = 128 + 100 * np.cos(np.hypot(axis[:, None], axis[None, :]) / 4)
    pixels = tf.constant(np.repeat(rings[None, :, :, None], 3, axis=3).repeat(8, axis=0), tf.float32)
    turned = augment.augment(pixels, tf.constant([5, 5]), still).numpy()
    inside = images.disc_distance(SIZE) < 0.75
    assert np.abs(turned - pixels.numpy())[:, inside].max() < 5


def test_sampling_weighs_sources_and_classes():
    sources = np.array(["a"] * 100 + ["b"] * 25)
    positive = np.array([1] * 10 + [0] * 90 + [1] * 20 + [0] * 5)
    chance = train.sampling_probabilities(sources, positive, 0.5)
    shares = {(s, p): chance[(sources == s) & (positive == p)].sum() for s in "ab" for p in (0, 1)}
    assert shares == pytest.approx({("a", 0): 1 / 3, ("a", 1): 1 / 3, ("b", 0): 1 / 6, ("b", 1): 1 / 6})
    with pytest.raises(ValueError, match="'c' has no positive"):
        train.sampling_probabilities(["c"], [0], 0.5)


def test_learning_rate_rises_then_falls_to_zero():
    chosen = {"learning_rate": 0.1, "warmup_steps": 10}
    rates = [train.learning_rate(step, 100, chosen) for step in range(101)]
    assert rates[0] == pytest.approx(0.01) and max(rates) == pytest.approx(0.1) and rates[100] == pytest.approx(0, abs=1e-9)
    assert np.argmax(rates) in (9, 10)
    assert all(a >= b for a, b in zip(rates[10:], rates[11:]))


@pytest.fixture
def eager():
    """Runs the step without tracing it: three traces of the gradient would take minutes."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def weights_of(trainer):
    return [v.numpy() for v in [*trainer.model.weights, *trainer.average.weights, *trainer.grade_head.weights,
                                *trainer.optimizer.variables]]


def test_resumed_training_is_the_uninterrupted_one(tiny_settings, tmp_path, eager):
    data = tiny_data()
    whole = train.Trainer(tiny_settings, tmp_path / "whole")
    history = whole.fit(data, data, report=None)
    assert len(history) == 3
    start = train.Trainer(tiny_settings, tmp_path / "parts")
    assert not start.resume()
    start.fit(data, data, report=None, stop_after=1)
    middle = weights_of(start)

    second = train.Trainer(tiny_settings, tmp_path / "parts")
    assert second.resume()
    assert int(second.epoch) == 1
    for before, after in zip(middle, weights_of(second)):
        np.testing.assert_array_equal(before, after)
    resumed = second.fit(data, data, report=None)
    assert [row["epoch"] for row in resumed] == [1, 2, 3]
    # Not to the bit: threads may add up a gradient's parts in another order.
    for row, other in zip(history, resumed):
        assert row == pytest.approx(other, rel=1e-4)
    moved = 0.0
    for one, other, start_value in zip(weights_of(whole), weights_of(second), middle):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
        moved = max(moved, float(np.max(np.abs(one - start_value))))
    assert moved > 1e-3  # else the comparison above would compare nothing
    assert (tmp_path / "whole" / "history.csv").read_text().count("\n") == 4


def test_settings_refuse_what_is_unknown_or_missing(tmp_path):
    text = (MODELS / "recipe" / "small224.toml").read_text(encoding="utf-8")
    for old, new, message in (("dropout =", "dropuot =", "unknown dropuot"), ("dropout = 0.2", "", "missing dropout"),
                              ('"any_dr"', '"all_dr"', "target 'all_dr'"), ("[network]", "[network", "small.toml")):
        path = tmp_path / "small.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(settings.SettingsError, match=message):
            settings.read(path)
