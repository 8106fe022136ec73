# SPDX-License-Identifier: Apache-2.0
"""Paths and small hand-made Keras files that the converter's tests share."""
import io
import json
import os
import pathlib
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

REPOSITORY = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "converter"))

SIDE = 8


def pytest_configure(config):
    config.addinivalue_line("markers", "many_photos: screens a hundred photos and more, in ways that fewer cover; left out where each takes ten times as long")


@pytest.fixture(scope="session")
def fovea_data():
    """The folder of reference models and pictures; tests that need it skip visibly without."""
    folder = os.environ.get("FOVEA_DATA")
    if not folder:
        pytest.skip("FOVEA_DATA is not set")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def fovea_binary():
    """The `fovea` program, which runs the converted files; tests that need it skip visibly without."""
    program = os.environ.get("FOVEA_BINARY")
    if not program:
        pytest.skip("FOVEA_BINARY is not set")
    return program


@pytest.fixture(scope="session")
def fovea_run(fovea_binary, tmp_path_factory):
    """run(model file, pixels, *options) -> (logits, probabilities) by the engine."""
    folder = tmp_path_factory.mktemp("run")

    def run(model, pixels, *options):
        path = folder / "input.npy"
        np.save(path, np.ascontiguousarray(pixels))
        done = subprocess.run(
            [fovea_binary, "run", "--model", str(model), *options, str(path)], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        return np.array(result["logits"]), np.array(result["probabilities"])

    return run


def stated(options):
    """The options with what every conversion must say, where a test does not care."""
    options = [str(option) for option in options]
    classes = options[options.index("--labels") + 1].count(",") + 1 if "--labels" in options[:-1] else 0
    for option, value in (("--target", "any_dr" if classes == 2 else "other"), ("--preset", "kaggle_ben_color")):
        if option not in options:
            options += [option, value]
    return options


def fovea_convert(source, target, *options):
    """Runs the command in this process; returns its exit status."""
    from fovea_tools.commands.convert import main

    return main([str(source), "-o", str(target), *stated(options)])


def convert_to_model(source, target, *options):
    """Converts, demands success, and returns what the file holds."""
    from fovea_tools.file.fovea_file import read_fovea

    assert fovea_convert(source, target, "--quiet", *(options or ("--labels", "no_dr,dr"))) == 0
    return read_fovea(pathlib.Path(target).read_bytes())


# Settings that Keras stores of these layers whatever they are, with its defaults.
STORED = {
    "Conv2D": dict(strides=[1, 1], padding="valid", dilation_rate=[1, 1], activation="linear", use_bias=True),
    "DepthwiseConv2D": dict(strides=[1, 1], padding="valid", depth_multiplier=1, activation="linear", use_bias=True),
    "SeparableConv2D": dict(strides=[1, 1], padding="valid", depth_multiplier=1, activation="linear", use_bias=True),
    "Dense": dict(activation="linear", use_bias=True),
    "BatchNormalization": dict(axis=[3], epsilon=1e-3, center=True, scale=True),
    "Normalization": dict(axis=[-1]),
    "Rescaling": dict(offset=0.0),
    "AveragePooling2D": dict(pool_size=[2, 2], strides=None, padding="valid"),
    "MaxPooling2D": dict(pool_size=[2, 2], strides=None, padding="valid"),
    "GlobalAveragePooling2D": dict(data_format="channels_last"),
    "GlobalMaxPooling2D": dict(data_format="channels_last"),
    "Flatten": dict(data_format="channels_last"),
    "Concatenate": dict(axis=-1),
    "ReLU": dict(max_value=None, negative_slope=0.0, threshold=0.0),
    "ELU": dict(alpha=1.0),
    "Softmax": dict(axis=-1),
}


def layer(name, class_name, *sources, **config):
    """A layer entry as Keras 2 writes it; a source is a layer's name."""
    return {
        "class_name": class_name,
        "name": name,
        "config": {"name": name, "trainable": True, **STORED.get(class_name, {}), **config},
        "inbound_nodes": [[[source, 0, 0, {}] for source in sources]] if sources else [],
    }


def tiny_layers():
    """Input, rescaling, strided convolution, batch normalisation, ReLU, pooling, softmax."""
    return [
        layer("image", "InputLayer", batch_input_shape=[None, SIDE, SIDE, 3]),
        layer("rescaling", "Rescaling", "image", scale=1 / 127.5, offset=-1.0),
        layer("conv", "Conv2D", "rescaling", filters=4, kernel_size=[3, 3], strides=[2, 2], padding="same",
              data_format="channels_last", dilation_rate=[1, 1], groups=1, activation="linear", use_bias=False),
        layer("bn", "BatchNormalization", "conv", axis=[3], epsilon=0.001, center=True, scale=True),
        layer("relu", "ReLU", "bn", max_value=None, negative_slope=0.0, threshold=0.0),
        layer("pool", "GlobalAveragePooling2D", "relu", data_format="channels_last", keepdims=False),
        layer("dense", "Dense", "pool", units=2, activation="softmax", use_bias=True),
    ]


def tiny_weights():
    random = np.random.default_rng(5)
    return {
        "conv": {"kernel": random.normal(0, 0.3, (3, 3, 3, 4))},
        "bn": {
            "gamma": random.uniform(0.6, 1.4, 4), "beta": random.normal(0, 0.3, 4),
            "moving_mean": random.normal(0, 0.3, 4), "moving_variance": random.uniform(0.5, 2, 4),
        },
        "dense": {"kernel": random.normal(0, 1, (4, 2)), "bias": random.normal(0, 0.1, 2)},
    }


def model_config(layers):
    return {
        "class_name": "Functional",
        "config": {
            "name": "model", "layers": layers,
            "input_layers": [[layers[0]["name"], 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]],
        },
    }


def write_h5(path, layers=None, weights=None, config=None, version="2.15.0"):
    """A Keras 2 .h5 file made by hand."""
    config = model_config(tiny_layers() if layers is None else layers) if config is None else config
    weights = tiny_weights() if weights is None else weights
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        if version is not None:
            file.attrs["keras_version"] = version
        file.attrs["backend"] = "tensorflow"
        group = file.create_group("model_weights")
        for name, arrays in weights.items():
            place = group.create_group(name)
            names = [f"{name}/{variable}:0" for variable in arrays]
            place.attrs["weight_names"] = [item.encode() for item in names]
            for item, values in zip(names, arrays.values()):
                place[item] = np.asarray(values, np.float32)
    return path


def write_keras(path, layers=None, weights=None, version="3.0.5", members=None):
    """A .keras archive made by hand: paths count the layers of each class. members replaces archive members."""
    layers = tiny_layers() if layers is None else layers
    weights = tiny_weights() if weights is None else weights
    from fovea_tools.sources.keras.reader import snake_case

    counts = {}
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        for entry in layers:
            base = snake_case(entry["class_name"])
            number = counts.get(base, 0)
            counts[base] = number + 1
            place = file.create_group(f"layers/{base}{f'_{number}' if number else ''}/vars")
            for index, values in enumerate(weights.get(entry["name"], {}).values()):
                place[str(index)] = np.asarray(values, np.float32)
    contents = {
        "metadata.json": json.dumps({"keras_version": version}),
        "config.json": json.dumps(model_config(layers)),
        "model.weights.h5": memory.getvalue(),
        **(members or {}),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            if data is not None:
                archive.writestr(name, data)
    return path
