# SPDX-License-Identifier: Apache-2.0
"""The training loop of the recipe; a resumed training is the uninterrupted one."""
import pathlib

import numpy as np
import pytest
from recipe_helpers import eager, tiny_data, tiny_settings, weights_of  # noqa: F401

from recipe import augment, network, ship, train
from recipe.settings import SettingsError


def test_the_side_of_the_pictures_rises_when_the_settings_say():
    sizes = [[0, 96], [2, 160], [5, 224]]
    assert [train.size_at(epoch, sizes) for epoch in range(7)] == [96, 96, 160, 160, 160, 224, 224]
    assert train.size_at(100, [[0, 224]]) == 224


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


def test_frozen_blocks_stay_and_the_rest_learns(tmp_path, eager):  # noqa: F811
    data = tiny_data()
    trainer = train.Trainer(tiny_settings(epochs=1, steps_per_epoch=1, frozen_blocks=4), tmp_path)
    pictures = np.asarray(data["pixels"][:4], np.float32)
    early, late = network.feature_parts(trainer.model, 4)
    # The two parts are the whole.
    np.testing.assert_allclose(late(early(pictures)), network.feature_model(trainer.model)(pictures), rtol=1e-5, atol=1e-6)
    before = [early.get_weights(), late.get_weights()]
    trainer.fit(data, data, report=None)
    for one, other in zip(before[0], early.get_weights()):  # the statistics of the normalisation too
        np.testing.assert_array_equal(one, other)
    moved = [not np.array_equal(one, other) for one, other in zip(before[1], late.get_weights())]
    assert len(before[0]) > 20 and sum(moved) > 0.9 * len(moved)
    with pytest.raises(SettingsError, match="frozen_blocks: a network with a teacher"):
        train.Trainer(tiny_settings(frozen_blocks=4), tmp_path / "taught", teacher=trainer.model)


def test_frozen_blocks_run_once_for_each_view_when_the_settings_say(tmp_path, eager):  # noqa: F811
    data, chosen = tiny_data(), tiny_settings(epochs=2, steps_per_epoch=1, frozen_blocks=4, cached_views=2, average_decay=0.0)
    trainer = train.Trainer(chosen, tmp_path)
    early, late = network.feature_parts(trainer.model, 4)
    before = [early.get_weights(), late.get_weights()]
    trainer.fit(data, data, report=None, stop_after=1)
    maps = np.load(tmp_path / "frozen_maps.npy")
    assert maps.shape[:2] == (24, 2) and maps.shape[-1] == early.output_shape[-1] and maps.dtype == np.float16
    seed = np.array([chosen["training"]["seed"], 1], np.int32)
    view = augment.augment(data["pixels"], seed, chosen["augment"], 64)
    np.testing.assert_allclose(maps[:, 1], early(view, training=False).numpy(), rtol=2e-3, atol=2e-3)  # stored as halves
    for one, other in zip(before[0], early.get_weights()):
        np.testing.assert_array_equal(one, other)
    assert sum(not np.array_equal(one, other) for one, other in zip(before[1], late.get_weights())) > 0.9 * len(before[1])
    # They are not made again.
    made = (tmp_path / "frozen_maps.npy").stat().st_mtime_ns
    again = train.Trainer(chosen, tmp_path)
    assert again.resume()
    again.fit(data, data, report=None)
    assert (tmp_path / "frozen_maps.npy").stat().st_mtime_ns == made


def test_a_photo_of_unknown_grade_teaches_any_retinopathy_and_no_grade(tmp_path, eager):  # noqa: F811
    data = tiny_data()
    unknown = {**data, "grades": np.where(data["positive"] == 1, -1, 0).astype(np.int32)}
    # With the sum of the grades' loss alone: one class less among them, and only healthy eyes in it.
    trainer = train.Trainer(tiny_settings(epochs=1, steps_per_epoch=1, label_smoothing=0.0), tmp_path)
    seen = []
    trainer.grade_head = lambda embedding: seen.append(np.asarray(embedding)) or embedding[:, :5] * 0
    loss = {name: float(trainer._learn(np.asarray(given["pixels"][:4], np.float32), np.eye(2, dtype=np.float32)[given["positive"][:4]],
                                       trainer._targets(given["positive"][:4], given["grades"][:4])[1], np.ones((4, 1), np.float32), True))
            for name, given in (("known", data), ("unknown", unknown))}
    # Two of the four photos are ill: they lose the logarithm of five each, at half the weight.
    assert loss["known"] - loss["unknown"] == pytest.approx(0.5 * np.log(5) / 2, abs=0.05)


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


def test_the_last_epoch_is_kept_when_the_settings_say(tmp_path, eager):  # noqa: F811
    data = tiny_data()
    trainer = train.Trainer(tiny_settings(epochs=2, steps_per_epoch=1, keep="last", average_decay=0.0), tmp_path)
    trainer.best.assign(2.0)  # no epoch can be better
    trainer.fit(data, data, report=None)
    kept = network.build("small", 64, alpha=0.25)
    kept.load_weights(trainer.best_file)
    for one, other in zip(kept.get_weights(), trainer.model.get_weights()):  # without a running average the model itself
        np.testing.assert_array_equal(one, other)


def test_weights_that_cannot_be_written_leave_the_earlier_ones(tmp_path, monkeypatch):
    trainer = train.Trainer(tiny_settings(), tmp_path)
    trainer._keep_average()
    before = trainer.best_file.read_bytes()

    def half_a_file(path):
        pathlib.Path(path).write_bytes(b"half a file")
        raise OSError("no space left")

    monkeypatch.setattr(trainer.average, "save_weights", half_a_file)
    with pytest.raises(OSError, match="no space"):
        trainer._keep_average()
    assert trainer.best_file.read_bytes() == before


def test_what_is_shipped_lies_between_start_and_end_when_the_settings_say(tmp_path, eager):  # noqa: F811
    start = network.build("small", 64, alpha=0.25)
    start.save_weights(tmp_path / "start.weights.h5")
    settings = tiny_settings(epochs=1, steps_per_epoch=1, keep="last", average_decay=0.0, start_share=0.25)
    trainer = train.Trainer(settings, tmp_path / "mixed", tmp_path / "start.weights.h5")
    trainer.fit(tiny_data(), tiny_data(), report=None)
    shipped, wanted = ship.best_model(settings, trainer), network.build("small", 64, alpha=0.25)
    wanted.set_weights([0.25 * old + 0.75 * new for old, new in zip(start.get_weights(), trainer.model.get_weights())])
    network.centre_logits(wanted)
    for one, other in zip(shipped.get_weights(), wanted.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    with pytest.raises(SettingsError, match="start_share: there are no weights to go on from"):
        train.Trainer(settings, tmp_path / "from nothing")


def test_an_unseen_source_does_not_choose_the_epoch(tmp_path, eager, monkeypatch):  # noqa: F811
    data = tiny_data()
    monkeypatch.setattr(train, "source_aucs", lambda *given: {"a": 0.6, "b": 0.9})
    trainer = train.Trainer(tiny_settings(epochs=1, steps_per_epoch=1), tmp_path)
    history = trainer.fit(data, data, report=None, unseen="b")
    assert history[0]["mean_auc"] == 0.6 and history[0]["auc_b"] == 0.9
