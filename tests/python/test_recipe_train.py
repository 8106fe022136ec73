# SPDX-License-Identifier: Apache-2.0
"""Sampling, schedule and training loop of the recipe; a resumed training is the uninterrupted one."""
import numpy as np
import pytest
from recipe_helpers import MODELS, eager, tiny_data, tiny_settings, weights_of  # noqa: F401

from recipe import network, settings, train


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


def test_the_side_of_the_pictures_rises_when_the_settings_say():
    sizes = [[0, 96], [2, 160], [5, 224]]
    assert [train.size_at(epoch, sizes) for epoch in range(7)] == [96, 96, 160, 160, 160, 224, 224]
    assert train.size_at(100, [[0, 224]]) == 224


def test_companions_are_healthy_and_every_source_gives_as_many():
    sources = np.array(["a"] * 10 + ["b"] * 4 + ["c"] * 2)
    positive = np.array([0] * 6 + [1] * 4 + [0, 1, 1, 1] + [1, 1])
    chance = train.companion_probabilities(sources, positive)
    assert not chance[positive == 1].any() and chance.sum() == pytest.approx(1)
    assert chance[sources == "a"].sum() == pytest.approx(0.5) and chance[sources == "b"].sum() == pytest.approx(0.5)


def test_in_frozen_epochs_only_the_head_changes(tmp_path, eager):  # noqa: F811
    data = tiny_data()
    trainer = train.Trainer(tiny_settings(epochs=2, frozen_epochs=1), tmp_path)
    backbone = network.backbone(trainer.model)
    head = trainer.model.get_layer("dense"), trainer.model.get_layer("mlp_1"), trainer.grade_head

    def state():
        return backbone.get_weights(), [layer.get_weights() for layer in head]

    body_before, head_before = state()
    trainer.fit(data, data, report=None, stop_after=1)
    body, head_after = state()
    for one, other in zip(body_before, body):  # the statistics of the normalisation too
        np.testing.assert_array_equal(one, other)
    for one, other in zip(head_before, head_after):
        assert not np.array_equal(one[0], other[0])
    trainer.fit(data, data, report=None)
    moved = [not np.array_equal(one, other) for one, other in zip(body, backbone.get_weights())]
    assert sum(moved) > 0.9 * len(moved)


@pytest.mark.parametrize("companions", [0.0, 0.5])
def test_resumed_training_is_the_uninterrupted_one(companions, tmp_path, eager):  # noqa: F811
    data, chosen = tiny_data(), tiny_settings(sizes=[[0, 32], [2, 64]])
    chosen["augment"]["companions"] = companions
    whole = train.Trainer(chosen, tmp_path / "whole")
    history = whole.fit(data, data, report=None)
    assert len(history) == 3
    start = train.Trainer(chosen, tmp_path / "parts")
    assert not start.resume()
    start.fit(data, data, report=None, stop_after=1)
    middle = weights_of(start)

    second = train.Trainer(chosen, tmp_path / "parts")
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
