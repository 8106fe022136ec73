# SPDX-License-Identifier: Apache-2.0
"""Learning rate and optimizer: warm-up and schedules, where the weight decay acts, clipping."""
import numpy as np
import pytest
from recipe_helpers import tf

from recipe import optimizers


def test_learning_rate_rises_then_falls_to_zero():
    chosen = {"learning_rate": 0.1, "warmup_steps": 10, "schedule": "cosine"}
    rates = [optimizers.learning_rate(step, 100, chosen) for step in range(101)]
    assert rates[0] == pytest.approx(0.01) and max(rates) == pytest.approx(0.1) and rates[100] == pytest.approx(0, abs=1e-9)
    assert np.argmax(rates) in (9, 10)
    assert all(a >= b for a, b in zip(rates[10:], rates[11:]))


def test_a_constant_rate_only_warms_up():
    chosen = {"learning_rate": 0.1, "warmup_steps": 4, "schedule": "constant"}
    rates = [optimizers.learning_rate(step, 100, chosen) for step in range(100)]
    assert rates[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1]) and set(rates[4:]) == {0.1}
    assert optimizers.learning_rate(0, 100, {**chosen, "warmup_steps": 0}) == 0.1


def after_steps(kind, decay, clip=0.0, steps=3, gradient=1e-3):
    """(kernel, bias) of ones after some steps with a constant gradient, and what SGD-like clipping left of it."""
    chosen = {"optimizer": kind, "learning_rate": 0.01, "weight_decay": decay, "clip_norm": clip}
    kernel, bias = tf.Variable(tf.ones((2, 2)), name="dense/kernel:0"), tf.Variable(tf.ones(2), name="dense/bias:0")
    optimizer = optimizers.make(chosen, [kernel, bias])
    for _ in range(steps):
        optimizers.apply(optimizer, chosen, [tf.fill((2, 2), gradient), tf.fill((2,), gradient)], [kernel, bias])
    return kernel.numpy(), bias.numpy()


def test_without_decay_both_are_adam():
    for one, other in zip(after_steps("adam", 0.0), after_steps("adamw", 0.0)):
        np.testing.assert_array_equal(one, other)
    kernel, bias = after_steps("adam", 0.0)
    np.testing.assert_allclose(kernel, 1 - 3 * 0.01, atol=1e-4)  # Adam steps by the rate whatever the gradient's size
    np.testing.assert_allclose(bias, 1 - 3 * 0.01, atol=1e-4)


def test_adamw_shrinks_kernels_apart_from_the_gradient():
    kernel, bias = after_steps("adamw", 0.5, steps=1)
    np.testing.assert_allclose(kernel, 1 - 0.01 * 0.5 - 0.01, atol=1e-4)
    np.testing.assert_allclose(bias, 1 - 0.01, atol=1e-4)


def test_adam_takes_the_decay_into_the_gradient():
    """A penalty larger than the gradient turns Adam's step round; the bias has no penalty."""
    kernel, bias = after_steps("adam", 0.5, steps=1, gradient=-1e-3)
    np.testing.assert_allclose(kernel, 1 - 0.01, atol=1e-4)
    np.testing.assert_allclose(bias, 1 + 0.01, atol=1e-4)


def test_clipping_limits_the_norm_of_all_gradients_together():
    """Adam forgets a constant factor, so one large step among small ones tells."""
    chosen = {"optimizer": "adam", "learning_rate": 0.01, "weight_decay": 0.0}
    moved = {}
    for clip in (0.0, 1.0):
        weight = tf.Variable(tf.zeros(1), name="kernel")
        optimizer = optimizers.make({**chosen, "clip_norm": clip}, [weight])
        for gradient in (0.5, 1000.0):
            optimizers.apply(optimizer, {**chosen, "clip_norm": clip}, [tf.constant([gradient])], [weight])
        moved[clip] = -float(weight[0])
    m, v = (0.9 * 0.05 + 0.1 * 1.0) / 0.19, (0.999 * 0.00025 + 0.001 * 1.0) / 0.001999
    assert moved[1.0] == pytest.approx(0.01 + 0.01 * m / v ** 0.5, rel=1e-3)
    assert moved[0.0] < moved[1.0]
