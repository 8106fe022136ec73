# SPDX-License-Identifier: Apache-2.0
"""How the weights follow the gradient: Adam or AdamW, with warm-up and schedule."""
import math

import tensorflow as tf

KINDS = ("adamw", "adam")
SCHEDULES = ("cosine", "constant")
# Biases, normalisation and gates' offsets are not pulled to zero.
NOT_DECAYED = ("bias", "gamma", "beta")


def learning_rate(step, total, settings):
    """Linear warm-up, then half a cosine to zero, or a constant."""
    warm = settings["warmup_steps"]
    rising = (step + 1) / warm if warm else 1.0
    if settings["schedule"] == "constant":
        return settings["learning_rate"] * min(rising, 1.0)
    falling = 0.5 * (1 + math.cos(math.pi * max(step - warm, 0) / max(total - warm, 1)))
    return settings["learning_rate"] * min(rising, falling)


def make(settings, variables):
    """The optimizer of [training]. adamw takes the weight decay apart from the gradient, adam as a penalty within it."""
    decay = settings["weight_decay"] if settings["optimizer"] == "adamw" else 0.0
    optimizer = tf.keras.optimizers.AdamW(settings["learning_rate"], weight_decay=decay)
    optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
    optimizer.build(variables)
    return optimizer


def apply(optimizer, settings, gradients, variables):
    """One step with the gradients of the whole batch, which on several devices were summed before."""
    if settings["optimizer"] == "adam" and settings["weight_decay"]:
        gradients = [g if any(name in v.name for name in NOT_DECAYED) else g + settings["weight_decay"] * v
                     for g, v in zip(gradients, variables)]
    if settings["clip_norm"]:
        gradients, _ = tf.clip_by_global_norm(gradients, settings["clip_norm"])
    optimizer.apply_gradients(zip(gradients, variables), skip_gradients_aggregation=True)
