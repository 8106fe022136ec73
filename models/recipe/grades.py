# SPDX-License-Identifier: Apache-2.0
"""Five grades from one network (target grade5): what it learns of them, and the two questions that their probabilities answer."""
import numpy as np
import tensorflow as tf
from scipy.special import logsumexp

COUNT = 5
UNKNOWN = -1.0  # a target that teaches nothing


def one_hot(grades, smoothing):
    """(N, COUNT): a row a photo; an empty one, which teaches the grades nothing, where the grade is not known."""
    return (tf.one_hot(grades, COUNT) * (1 - smoothing) + smoothing / COUNT) * tf.cast(grades >= 0, tf.float32)[:, None]


def reached(positive, grades, smoothing):
    """(N, COUNT - 1): whether each photo's grade is 1, 2, 3, 4 or more. Of a photo whose grade is not known only the first is."""
    levels = tf.range(1, COUNT)[None, :]
    target = tf.cast(grades[:, None] >= levels, tf.float32) * (1 - smoothing) + smoothing / 2
    told = tf.concat([tf.cast(positive, tf.float32)[:, None] * (1 - smoothing) + smoothing / 2, target[:, 1:]], axis=1)
    return tf.where((grades[:, None] >= 0) | (levels == 1), told, UNKNOWN)


def ordinal_loss(wanted, logits):
    """Cross-entropy of "grade k or more" against what the five probabilities say of it, for each k, summed over k: a mistake of two grades
    costs more than one of one. wanted: of reached()."""
    whole = tf.reduce_logsumexp(logits, axis=1)
    loss = 0.0
    for level in range(1, COUNT):
        target = wanted[:, level - 1]
        above = tf.reduce_logsumexp(logits[:, level:], axis=1) - whole
        below = tf.reduce_logsumexp(logits[:, :level], axis=1) - whole
        loss += tf.reduce_mean(tf.where(target == UNKNOWN, 0.0, -(target * above + (1 - target) * below)))
    return loss


def log_odds(logits, first=1):
    """How much likelier the classes from `first` on are than those before, of (N, classes) logits; of two classes their difference."""
    logits = np.asarray(logits, np.float64)
    return logsumexp(logits[:, first:], axis=1) - logsumexp(logits[:, :first], axis=1)


def probability(logits, first=1):
    """Of the classes from `first` on together, (N,) float64. logits: calibrated, that is, divided by the temperature."""
    return 1 / (1 + np.exp(-log_odds(logits, first)))
