# SPDX-License-Identifier: Apache-2.0
"""A small network that learns from a large one: what is run, what is changed, what a resume needs."""
import numpy as np
import pytest
from recipe_helpers import SIZE, eager, shorten, tf, tiny_data, tiny_settings, weights_of  # noqa: F401

from recipe import distill, network, train

CHOSEN = {"answers": 0.25, "features": 2.0}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    shorten(monkeypatch)


def pair():
    return network.build("small", None, alpha=0.25), network.build("large", None, alpha=0.25)


def pictures():
    return tf.constant(tiny_data(8)["pixels"], tf.float32)


def test_the_backbone_runs_once():
    """A second run in training mode would move the statistics of the normalisation twice."""
    student, teacher = pair()
    copy = network.build("small", None, alpha=0.25)
    copy.set_weights(student.get_weights())
    wanted = network.feature_model(copy)(pictures(), training=True)
    before = student.get_weights()
    distillation = distill.Distillation(student, teacher, CHOSEN)
    features, _, _ = distillation(pictures(), tf.fill((8, 2), 0.5), training=True)
    np.testing.assert_allclose(features, wanted, atol=1e-5)
    moved = [not np.array_equal(a, b) for a, b in zip(before, student.get_weights())]
    normalisations = [layer for layer in student.submodules if isinstance(layer, tf.keras.layers.BatchNormalization)]
    assert sum(moved) == 2 * len(normalisations) > 0  # a mean and a variance each
    for one, other in zip(student.get_weights(), copy.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_without_training_nothing_moves():
    student, teacher = pair()
    before = student.get_weights() + teacher.get_weights()
    distill.Distillation(student, teacher, CHOSEN)(pictures(), tf.fill((8, 2), 0.5), training=False)
    for one, other in zip(before, student.get_weights() + teacher.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_the_target_is_mixed_with_the_teachers_answer():
    student, teacher = pair()
    target = tf.one_hot([0, 1] * 4, 2)
    answers = tf.nn.softmax(network.logits_of(teacher, pictures()))
    _, mixed, loss = distill.Distillation(student, teacher, CHOSEN)(pictures(), target, training=True)
    np.testing.assert_allclose(mixed, 0.75 * target + 0.25 * answers, atol=1e-5)
    assert float(loss) > 0
    _, plain, none = distill.Distillation(student, teacher, {"answers": 0.0, "features": 0.0})(pictures(), target, training=True)
    np.testing.assert_array_equal(plain, target)
    assert float(none) == 0


def test_gradients_reach_the_student_and_the_adapters_only():
    student, teacher = pair()
    distillation = distill.Distillation(student, teacher, CHOSEN)
    with tf.GradientTape(persistent=True) as tape:
        features, target, loss = distillation(pictures(), tf.one_hot([0, 1] * 4, 2), training=True)
        _, logits = network.classify(student, features)
        loss += tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
    assert all(gradient is None for gradient in tape.gradient(loss, teacher.trainable_variables))
    assert all(gradient is not None for gradient in tape.gradient(loss, student.trainable_variables))
    assert len(distillation.trainable_variables) == 4  # kernel and bias of each level's adapter
    for gradient in tape.gradient(loss, distillation.trainable_variables):
        assert np.any(gradient.numpy())


def test_training_leaves_the_teacher_as_it_was_and_resumes(tmp_path, eager):  # noqa: F811
    teacher = network.build("large", None, alpha=0.25)
    as_it_was = teacher.get_weights()
    data, chosen = tiny_data(), tiny_settings(epochs=2)

    def trainer(folder):
        return train.Trainer(chosen, tmp_path / folder, teacher=teacher)

    def everything(made):
        return weights_of(made) + [v.numpy() for v in made.distillation.trainable_variables]

    whole = trainer("whole")
    start = everything(whole)
    whole.fit(data, data, report=None)
    trainer("parts").fit(data, data, report=None, stop_after=1)
    second = trainer("parts")
    assert second.resume()
    second.fit(data, data, report=None)
    moved = 0.0
    for one, other, first in zip(everything(whole), everything(second), start):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
        moved = max(moved, float(np.max(np.abs(one - first))))
    assert moved > 1e-3
    for adapter, first in zip(whole.distillation.trainable_variables, start[-4:]):
        assert not np.array_equal(adapter, first)
    for before, after in zip(as_it_was, teacher.get_weights()):
        np.testing.assert_array_equal(before, after)


def test_a_resume_without_the_teacher_it_began_with_is_refused(tmp_path, eager):  # noqa: F811
    data, chosen = tiny_data(), tiny_settings(epochs=2, steps_per_epoch=1)
    train.Trainer(chosen, tmp_path, teacher=network.build("large", None, alpha=0.25)).fit(data, data, report=None, stop_after=1)
    with pytest.raises(train.ResumeError, match="teacher"):
        train.Trainer(chosen, tmp_path).resume()
