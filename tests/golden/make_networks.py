# SPDX-License-Identifier: Apache-2.0
"""Writes data/networks: one narrow network of each kind, trained for a moment, and what Keras says of it, layer by layer.

They have every layer of the shipped detectors and a hundredth of their weights; they detect nothing. Keras computes once in float32, which is the
reference, and once in float64, which says how exact float32 can be. The pictures are what OpenCV makes of the sample photos.

usage: make_networks.py OUT_FOLDER        (needs the packages of tests/python/requirements.txt and an installed converter)
"""
import json
import os
import pathlib
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import cv2
import h5py
import numpy as np
import tensorflow as tf
from fovea_tools.commands.convert import main as fovea_convert
from opencv_presets import kaggle_ben_color

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "models"))
from recipe.network import backbone, build, leaf_layers  # noqa: E402  (after the path)

SIDE, ALPHA = 96, 0.1
CONVERT = ["--quiet", "--preset", "kaggle_ben_color", "--target", "any_dr"]
GRADES = {"IDRiD_008": 1, "IDRiD_037": 1, "IDRiD_140": 0}  # has DR
STEPS, BATCH = 40, 12
SAMPLES = 32  # values stored of each layer


def pictures():
    """uint8 (N, SIDE, SIDE, 3) of the sample photos."""
    found = []
    for name in GRADES:
        image = cv2.cvtColor(cv2.imread(str(HERE / "data" / "photos" / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
        found.append(kaggle_ben_color(image, SIDE))
    return np.stack(found)


def train(model, images, random):
    """Turned and mirrored views of the pictures; then the normalisations get the statistics of such views."""
    labels = np.array(list(GRADES.values()))

    def batch():
        chosen = random.integers(0, len(images), BATCH)
        views = [np.rot90(images[i], random.integers(4))[:, ::random.choice((-1, 1))] for i in chosen]
        return np.stack(views).astype(np.float32), labels[chosen]

    model.compile(tf.keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    for _ in range(STEPS):
        model.train_on_batch(*batch())
    for layer in leaf_layers(model):
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(batch()[0], training=True)
    for layer in leaf_layers(model):
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.momentum = 0.999


def layer_values(model, pixels):
    """[(name, values)] of every layer; a layer that is called twice has its calls numbered."""
    body = backbone(model)
    names, tensors = [], []
    for layer in model.layers:
        if layer is body:
            names.append("backbone output")
            tensors.append(layer.get_output_at(0))
        elif not isinstance(layer, tf.keras.layers.InputLayer):
            calls = len(layer.inbound_nodes)
            for call in range(calls):
                names.append(layer.name if calls == 1 else f"{layer.name} #{call}")
                tensors.append(layer.get_output_at(call))
    outside = list(zip(names, tf.keras.Model(model.input, tensors)(pixels, training=False)))
    rescaled = dict(outside)["rescaling"]
    layers = [layer for layer in body.layers if not isinstance(layer, tf.keras.layers.InputLayer)]
    inside = tf.keras.Model(body.input, [layer.output for layer in layers])(rescaled, training=False)
    return [(name, value.numpy()[0]) for name, value in [outside[0], *zip([layer.name for layer in layers], inside), *outside[1:]]]


def logits_of(model, pixels):
    last = model.get_layer("dense_1")
    features = tf.keras.Model(model.input, last.input)(pixels, training=False)
    return (tf.matmul(features, last.kernel) + last.bias).numpy()


def in_double(architecture, weights, use):
    """use(the same network in float64)."""
    tf.keras.backend.set_floatx("float64")
    try:
        model = build(architecture, SIDE, alpha=ALPHA)
        model.set_weights([w.astype(np.float64) for w in weights])
        return use(model)
    finally:
        tf.keras.backend.set_floatx("float32")


def rounded(values):
    """float32 values with the digits that tell them apart, for JSON."""
    return [float(f"{value:.9g}") for value in np.asarray(values, np.float64).ravel()]


def few_digits(values):
    """float32 of eight significant bits: as good to compare with, and half as large when compressed."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 256) / 256, exponent).astype(np.float32)


def save_h5(model, path):
    """Keras's .h5, with the newer, tighter way of storing groups; any h5py reads it."""
    whole = path.with_suffix(".whole.h5")
    model.save(whole, include_optimizer=False)

    def copy(source, target):
        target.attrs.update(source.attrs)
        for name, item in source.items():
            if isinstance(item, h5py.Group):
                copy(item, target.create_group(name))
            else:
                target.create_dataset(name, data=item[()])

    with h5py.File(whole, "r") as source, h5py.File(path, "w", libver="latest") as target:
        copy(source, target)
    whole.unlink()


def save_keras(model, path):
    """Keras's .keras, compressed."""
    whole = path.with_suffix(".whole.keras")
    model.save(whole, save_format="keras")
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED, 9)
    whole.unlink()


def convert(folder, images, logits):
    """The .fovea file, with Keras's logits inside, which `fovea selftest` compares with its own."""
    vectors = folder / "golden.npz"
    np.savez(vectors, pixels=images, logits=logits)
    status = fovea_convert([str(folder / "model.keras"), "-o", str(folder / "model.fovea"), "--labels", "no_dr,dr", "--golden", str(vectors), *CONVERT])
    vectors.unlink()
    if status != 0:
        sys.exit(f"{folder}: fovea-convert ended with {status}")


def write(architecture, out):
    folder = out / f"{architecture}{SIDE}"
    folder.mkdir(parents=True, exist_ok=True)
    (out / "inputs").mkdir(exist_ok=True)
    tf.keras.utils.set_random_seed(7)
    random = np.random.default_rng(7)
    images = pictures()
    model = build(architecture, SIDE, alpha=ALPHA)
    train(model, images, random)
    weights = [few_digits(values) for values in model.get_weights()]
    model = build(architecture, SIDE, alpha=ALPHA)  # without the optimizer
    model.set_weights(weights)
    save_keras(model, folder / "model.keras")
    if architecture == "small":
        save_h5(model, folder / "model.h5")
    photos = []
    pixels = images.astype(np.float32)
    logits = logits_of(model, pixels)
    exact = in_double(architecture, weights, lambda double: logits_of(double, images.astype(np.float64)))
    for name, picture, row, probabilities in zip(GRADES, images, logits, tf.nn.softmax(logits).numpy()):
        cv2.imwrite(str(out / "inputs" / f"{name}.png"), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        photos.append({"file": f"../inputs/{name}.png", "logits": rounded(row), "probabilities": rounded(probabilities)})
    outputs = {"tensorflow": tf.__version__, "parameters": model.count_params(),
               "max_abs_logit_f32_vs_f64": float(f"{np.abs(logits - exact).max():.3g}"), "photos": photos}
    (folder / "outputs.json").write_text(json.dumps(outputs, indent=1) + "\n")

    listed = []
    exact = in_double(architecture, weights, lambda double: layer_values(double, images[:1].astype(np.float64)))
    for (name, values), (_, truth) in zip(layer_values(model, pixels[:1]), exact, strict=True):
        flat = values.ravel()
        stride = flat.size // SAMPLES | 1  # odd, so that all channels have their turn
        listed.append({"layer": name, "shape": list(values.shape), "mean": float(f"{truth.mean():.9g}"),
                       "min": float(f"{flat.min():.9g}"), "max": float(f"{flat.max():.9g}"),
                       "max_abs_f32_vs_f64": float(f"{np.abs(values - truth).max():.3g}"), "stride": stride,
                       "samples": rounded(flat[::stride])})
    lines = ",\n  ".join(json.dumps(layer) for layer in listed)
    (folder / "activations.json").write_text(f'{{"photo": "{next(iter(GRADES))}", "layers": [\n  {lines}\n]}}\n')
    convert(folder, images, logits)
    print(f"{folder}: {model.count_params()} parameters, logits {logits.round(3).tolist()}, {len(listed)} layers")


if __name__ == "__main__":
    for kind in ("small", "large"):
        write(kind, pathlib.Path(sys.argv[1]))
