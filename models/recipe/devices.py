# SPDX-License-Identifier: Apache-2.0
"""Which devices a training runs on."""
import tensorflow as tf


def strategy(names=None):
    """tf.distribute's way of sharing each batch among several devices, or None for one. names: such as ["GPU:0", "GPU:1"];
    None: all GPUs there are."""
    names = names or [device.name for device in tf.config.list_logical_devices("GPU")]
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else None
