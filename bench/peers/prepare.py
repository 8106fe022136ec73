#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write one network in the formats of all engines, with pictures and Keras's own answers.

compare.py runs this with the recipe's Python (tensorflow-cpu 2.15, Keras 2.15) and with tf2onnx and onnx on PYTHONPATH.

usage: prepare.py NETWORK FOLDER
"""
import os
import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import random_network  # noqa: E402


def write_onnx(model, size, folder):
    """model.onnx: pixels N,C,H,W, in the operators that every engine has fast kernels for."""
    import onnx
    import tensorflow as tf
    import tf2onnx
    from onnx_graph import simplify

    signature = [tf.TensorSpec((1, size, size, 3), tf.float32, name="input")]
    graph, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=14, inputs_as_nchw=["input"])
    graph, what = simplify(graph)
    onnx.save(graph, folder / "model.onnx")
    print(f"model.onnx: {what}")


def write_peers_files(model, size, folder):
    """model.tflite and model.onnx of a Keras network: what the peers run or convert."""
    import tensorflow as tf

    (folder / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    write_onnx(model, size, folder)


def probabilities_of(model, pixels):
    """Keras's own answers (N, classes), picture by picture."""
    return np.concatenate([model(picture[None].astype(np.float32), training=False).numpy() for picture in pixels])


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in random_network.NETWORKS:
        print(f"usage: prepare.py {{{','.join(random_network.NETWORKS)}}} FOLDER", file=sys.stderr)
        return 2
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    architecture, size = random_network.NETWORKS[name]
    folder.mkdir(parents=True, exist_ok=True)
    model = random_network.build_calibrated(architecture, size)
    pixels = random_network.pictures(size)
    probabilities = probabilities_of(model, pixels)
    np.savez(folder / "expected.npz", pixels=pixels, probabilities=probabilities)

    model.save(folder / "model.keras")
    subprocess.run([sys.executable, "-m", "fovea_tools.commands.convert", folder / "model.keras", "-o", folder / "model.fovea", "--labels",
                    "no_dr,dr", "--name", f"{name} (random weights)", "--target", "other", "--preset", "kaggle_ben_color",
                    "--quiet"], check=True,
                   env={**os.environ, "PYTHONPATH": str(random_network.ROOT / "converter")})
    write_peers_files(model, size, folder)
    print(f"{name}: probabilities {np.round(probabilities[:, 1], 3).tolist()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
