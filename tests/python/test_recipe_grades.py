# SPDX-License-Identifier: Apache-2.0
"""A network with a class for each grade: what it learns, how it goes on from a detector of two classes, what is measured of it."""
import copy

import numpy as np
import pytest
from recipe_helpers import SIZE, eager, tf, tiny_data, tiny_settings  # noqa: F401

from recipe import dataset, evaluate, from_detector, grades, measure, network, settings, split, train

LABELS = ["no_dr", "mild", "moderate", "severe", "proliferative"]


def grade_settings(**training):
    return {**tiny_settings(**training), "target": "grade5", "labels": LABELS}


def graded_data():
    data = tiny_data()
    known = np.where(data["positive"] == 1, 1 + np.arange(len(data["positive"])) % 4, 0).astype(np.int32)
    known[3] = -1
    return {**data, "grades": known, "groups": np.arange(len(known))}


def test_the_ordinal_loss_is_the_sum_over_grades_reached():
    logits = np.array([[0.3, -0.2, 1.0, 0.4, -1.0], [2.0, 0.1, 0.0, -0.5, -0.3], [0.0, 1.0, 0.5, 0.2, 0.1]], np.float32)
    known, positive = np.array([3, 0, -1], np.int32), np.array([1, 0, 1], np.int32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    reached = np.stack([probabilities[:, level:].sum(axis=1) for level in range(1, 5)], axis=1)
    told = known[:, None] >= np.arange(1, 5)
    told[2, 0] = True
    loss = -np.log(np.where(told, reached, 1 - reached))
    loss[2, 1:] = 0  # of retinopathy of unknown grade no more is known
    wanted = grades.reached(tf.constant(positive), tf.constant(known), 0.0)
    assert wanted.numpy()[2].tolist() == [1, -1, -1, -1]
    assert float(grades.ordinal_loss(wanted, tf.constant(logits))) == pytest.approx(loss.sum(axis=1).mean(), rel=1e-5)


def test_the_grade_is_the_highest_that_is_as_likely_reached_as_not():
    rows = [[0.6, 0.1, 0.1, 0.1, 0.1], [0.4, 0.15, 0.1, 0.1, 0.25], [0.1, 0.1, 0.25, 0.25, 0.3], [0.1, 0.1, 0.1, 0.1, 0.6]]
    assert evaluate.called_grades(np.array(rows)).tolist() == [0, 1, 3, 4]


def test_log_odds_of_the_classes_from_one_on():
    logits = np.array([[0.3, -0.2, 1.0, 0.4, -1.0]])
    probabilities = np.exp(logits[0]) / np.exp(logits[0]).sum()
    for first in (1, 2, 4):
        share = probabilities[first:].sum()
        assert grades.log_odds(logits, first)[0] == pytest.approx(np.log(share / (1 - share)))
    assert grades.log_odds(np.array([[1.5, 4.0]]))[0] == pytest.approx(2.5)


def test_a_photo_of_unknown_grade_teaches_any_retinopathy_alone(tmp_path, eager):  # noqa: F811
    trainer = train.Trainer(grade_settings(label_smoothing=0.0), tmp_path)
    target, order = trainer._targets(tf.constant([1, 0]), tf.constant([-1, 0]))
    assert target.numpy().tolist() == [[0] * 5, [1, 0, 0, 0, 0]]
    assert order.numpy().tolist() == [[1, -1, -1, -1], [0, 0, 0, 0]]


def test_training_resumes_and_its_history_tells_the_kappa(tmp_path, eager):  # noqa: F811
    data, chosen = graded_data(), grade_settings(epochs=2)
    trainer = train.Trainer(chosen, tmp_path)
    assert trainer.grade_head is None and trainer.model.output_shape == (None, 5)
    trainer.fit(data, data, report=None, stop_after=1)
    again = train.Trainer(chosen, tmp_path)
    assert again.resume()
    history = again.fit(data, data, report=None)
    assert [row["epoch"] for row in history] == [1, 2] and {"auc_a", "kappa_a", "kappa_b"} <= set(history[0])


def test_a_detector_of_two_classes_gives_its_answer_to_the_grades():
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(64, 2)).astype(np.float32), np.array([0.3, -0.2], np.float32)
    features = random.normal(size=(10, 64))
    wide, offset = from_detector._as_grades(kernel, bias, 5)
    np.testing.assert_allclose(grades.log_odds(features @ wide + offset), grades.log_odds(features @ kernel + bias), rtol=1e-5, atol=1e-6)


def test_settings_of_five_grades():
    chosen = grade_settings()
    assert settings.check(copy.deepcopy(chosen)) == chosen and settings.has_grades(chosen) and settings.positive_from(chosen) == 1
    with pytest.raises(settings.SettingsError, match="labels: the five grades"):
        settings.check({**chosen, "labels": ["no_dr", "dr"]})
    with pytest.raises(settings.SettingsError, match="labels: the negative and the positive class"):
        settings.check({**tiny_settings(), "labels": LABELS})


def test_copies_of_other_grades_contradict_each_other():
    class Photo:
        def __init__(self, grade):
            self.grade = grade

    photos, hashes = [Photo(grade) for grade in (1, 2, 3, 3, 0)], ["a", "a", "b", "b", "c"]
    assert split.drop_copies(photos, hashes, dataset.said_by_copies(grade_settings())) == [False, False, True, False, True]
    assert split.drop_copies(photos, hashes, dataset.said_by_copies(tiny_settings())) == [True, False, True, False, True]


def test_figures_of_both_questions_and_of_the_grade(monkeypatch):
    random = np.random.default_rng(5)
    true = np.tile([0, 0, 1, 2, 3, 4, -1, 0], 30)
    level = np.where(true < 0, 1.5, true)
    logits = -(np.arange(5) - (level + random.normal(0, 0.8, len(true)))[:, None]) ** 2
    validation = {"sources": np.repeat(["a", "b"], 120), "grades": true, "positive": (true != 0).astype(np.int32),
                  "groups": np.arange(240), "pixels": np.arange(240)}
    monkeypatch.setattr(measure.probes, "blanked", lambda *_: {"rim only": {}, "corners masked": {}})
    monkeypatch.setattr(measure.probes, "classical", lambda *_: {})
    found = measure.measure(lambda pixels: logits[pixels], validation, validation)
    assert found["figures"]["sources"]["a"]["photos"] == 120 and found["referable_figures"]["sources"]["a"]["photos"] == 105
    assert found["referable_figures"]["sources"]["a"]["positive"] == 45 and found["figures"]["sources"]["a"]["positive"] == 75
    for question in ("figures", "referable_figures"):
        assert set(found[question]["thresholds"]) == {"balanced", "sensitivity_95", "specificity_95"}
    assert found["referable"]["a"] == pytest.approx(found["referable_figures"]["sources"]["a"]["auc"][0])
    assert 0.6 < found["grades"]["b"]["kappa"][0] < 1 and found["grades"]["b"]["photos"] == 105
    assert measure.REFERABLE_FROM == 2 and "grades" not in measure.measure(
        lambda pixels: logits[pixels][:, [0, 3]], validation, validation)
