# SPDX-License-Identifier: Apache-2.0
"""A small network learns from a large trained one: its answers (Hinton et al. 2015, arXiv:1503.02531) and its features at
1/16 and 1/32 of the side (Romero et al. 2015, arXiv:1412.6550)."""
import tensorflow as tf

from . import network


def _with_levels(model):
    """A model from pixels to [pooled features, features at 1/16, features at 1/32]. The backbone runs once."""
    backbone = network.backbone(model)
    levels = tf.keras.Model(backbone.input, [network.stride_16_features(model), backbone.output])
    head = tf.keras.Model(model.get_layer("final_sum_att_feat").input[1], model.get_layer("dropout").input)
    pixels = tf.keras.Input(model.input.shape[1:])
    middle, last = levels(model.get_layer("rescaling")(pixels))
    return tf.keras.Model(pixels, [head(last), middle, last])


class Distillation(tf.Module):
    """Both networks on the same augmented pictures. The adapters, one dense map a feature level, are dropped afterwards."""

    def __init__(self, student, teacher, settings):
        """settings: [distill] with "answers" (share of the teacher's answer in the target, 0 to 1) and "features" (weight)."""
        super().__init__()
        self._settings = settings
        self._student = _with_levels(student)
        self._teacher = _with_levels(teacher)
        self._classify_teacher = lambda features: network.classify(teacher, features)[1]
        self.adapters = []
        for mine, wanted in zip(self._student.outputs[1:], self._teacher.outputs[1:]):
            adapter = tf.keras.layers.Dense(wanted.shape[-1])
            adapter.build((None, mine.shape[-1]))
            self.adapters.append(adapter)
        # Named here because the networks themselves are not this module's to train.
        self._variables = [v for adapter in self.adapters for v in adapter.trainable_variables]

    @property
    def trainable_variables(self):
        return self._variables

    def __call__(self, pixels, target, training):
        """(the student's pooled features, the target with the teacher's answers mixed in, the feature loss)."""
        _, *wanted = teacher_outputs = self._teacher(pixels, training=False)
        answers = tf.nn.softmax(self._classify_teacher(teacher_outputs[0]))
        share = self._settings["answers"]
        target = tf.stop_gradient(target * (1 - share) + answers * share)
        features, *levels = self._student(pixels, training=training)
        loss = 0.0
        for adapter, mine, teachers in zip(self.adapters, levels, wanted):
            mean, variance = tf.nn.moments(teachers, axes=[0, 1, 2])
            normalised = tf.stop_gradient((teachers - mean) * tf.math.rsqrt(variance + 1e-3))
            loss += tf.reduce_mean(tf.square(adapter(mine) - normalised))
        return features, target, self._settings["features"] * loss
