# SPDX-License-Identifier: Apache-2.0
"""Training on several devices: two logical CPUs learn what one does from the same batches."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from recipe_helpers import MODELS, tiny_settings

from recipe import settings, train

# TensorFlow splits its devices before its first use only, hence a program of its own.
PROGRAM = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.run_functions_eagerly(True)
from recipe_helpers import SHORT, short_backbone, tiny_data, tiny_settings
from recipe import devices, train

for name, maker in [(name, short_backbone(name)) for name in SHORT]:
    setattr(tf.keras.applications, name, maker)

def result(folder, names):
    values = tiny_settings(epochs=2, steps_per_epoch=1, batch=8, average_decay=0.5, clip_norm=0.0)
    values["augment"]["companions"] = 0.25
    strategy = devices.strategy(names)
    assert (strategy.num_replicas_in_sync if strategy else 1) == len(names), strategy
    trainer = train.Trainer(values, folder, strategy=strategy)
    begun = [w.copy() for w in trainer.model.get_weights()]
    data = tiny_data()
    trainer.fit(data, data, report=None, stop_after=1)
    again = train.Trainer(values, folder, strategy=strategy)
    assert again.resume() and int(again.epoch) == 1
    history = again.fit(data, data, report=None)
    names = [v.name for v in again.model.weights]
    # Adam's first moments are sums of gradients, with their scale, which the weights do not show.
    moments = [value.numpy() for value in again.optimizer._momentums]
    return names, begun, again.model.get_weights(), again.average.get_weights(), history, moments

found = [result(sys.argv[2] + "/" + str(len(names)), names) for names in (["CPU:0"], ["CPU:0", "CPU:1"])]

def difference(place, chosen):
    # Of both runs, as a share of what training changed; all tensors as one, since in those without a gradient only rounding moves.
    rows = [(begun, one, two) for name, begun, one, two in zip(found[0][0], found[0][1], found[0][place], found[1][place]) if chosen(name)]
    begun, one, two = (np.concatenate([np.ravel(part) for part in column]) for column in zip(*rows))
    return float(np.linalg.norm(one - two) / np.linalg.norm(one - begun))

variance = {kind: difference(place, lambda name: "moving_variance" in name) for place, kind in ((2, "model"), (3, "average"))}
rest = {kind: difference(place, lambda name: "moving_variance" not in name) for place, kind in ((2, "model"), (3, "average"))}
gradients = [np.concatenate([np.ravel(value) for value in run[5]]) for run in found]
rest["gradients"] = float(np.linalg.norm(gradients[0] - gradients[1]) / np.linalg.norm(gradients[0]))
moved = max(float(np.abs(one - begun).max()) for begun, one in zip(found[0][1], found[0][2]))
print(json.dumps({"variance": variance, "rest": rest, "moved": moved, "losses": [[row["loss"] for row in run[4]] for run in found]}))
"""


def test_two_devices_learn_what_one_does(tmp_path):
    paths = [str(MODELS), str(MODELS.parent / "tests" / "python"), str(MODELS.parent / "converter")]
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(paths), str(tmp_path)], capture_output=True, text=True,
                          env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}, timeout=3000)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["moved"] > 1e-2
    np.testing.assert_allclose(*found["losses"], rtol=1e-4)
    assert max(found["rest"].values()) < 0.01, found
    # The kernel for one device counts N/(N - 1), that for several does not.
    assert max(found["variance"].values()) < 0.2, found



def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    class Three:
        num_replicas_in_sync = 3

    with pytest.raises(settings.SettingsError, match="batch = 4: not to be shared alike by 3 devices"):
        train.Trainer(tiny_settings(), tmp_path, strategy=Three())
