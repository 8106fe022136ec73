# SPDX-License-Identifier: Apache-2.0
"""Bad models and bad command lines: one line, the right exit status, never a traceback, no file left."""
import json
import pathlib
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from conftest import REPOSITORY, fovea_convert, layer, model_config, stated, tiny_layers, tiny_weights, write_h5, write_keras

LABELS = ("--labels", "no_dr,dr")


def refused(tmp_path, capsys, source, *options, status=4):
    """The message; the output must not exist."""
    target = tmp_path / "out.fovea"
    assert fovea_convert(source, target, *(options or LABELS)) == status
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("fovea-convert: ")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".fovea-", "out"))) == []
    return said.err


def changed(index, **config):
    layers = tiny_layers()
    layers[index]["config"].update(config)
    return layers


def replaced(index, entry):
    layers = tiny_layers()
    entry["inbound_nodes"] = layers[index]["inbound_nodes"]
    entry["name"] = layers[index]["name"]
    entry["config"]["name"] = entry["name"]
    layers[index] = entry
    return layers


@pytest.mark.parametrize("class_name,advice", [
    ("LayerNormalization", "use BatchNormalization"), ("Lambda", "Python code"), ("Resizing", "preprocessing"),
    ("Conv2DTranspose", "no counterpart"), ("MyOwnLayer", "no counterpart"), ("LSTM", "no counterpart"),
])
def test_unknown_layer_is_named(tmp_path, capsys, class_name, advice):
    source = write_h5(tmp_path / "m.h5", replaced(4, layer("relu", class_name, "bn")))
    message = refused(tmp_path, capsys, source)
    assert f"layer 'relu' ({class_name})" in message and advice in message


def test_own_class_with_a_keras_name_is_refused(tmp_path, capsys):
    layers = tiny_layers()
    layers[4]["module"] = "my_project.layers"
    assert "layer 'relu' (ReLU)" in refused(tmp_path, capsys, write_keras(tmp_path / "m.keras", layers))


def test_unknown_function_is_named(tmp_path, capsys):
    entry = {"class_name": "TFOpLambda", "config": {"trainable": True, "function": "math.erf"}}
    message = refused(tmp_path, capsys, write_h5(tmp_path / "m.h5", replaced(4, entry)))
    assert "layer 'relu'" in message and "math.erf" in message


@pytest.mark.parametrize("index,config,word", [
    (2, {"data_format": "channels_first"}, "channels"), (2, {"filters": 0}, "filters"), (2, {"filters": 10**9}, "filters"),
    (2, {"filters": "four"}, "filters"), (2, {"kernel_size": [3]}, "kernel_size"), (2, {"kernel_size": [99, 99]}, "shape"),
    (2, {"padding": "causal"}, "padding"), (2, {"groups": 2}, "groups"), (2, {"activation": "mish"}, "mish"),
    (2, {"activation": {"class_name": "function", "config": "custom"}}, "custom"), (2, {"use_bias": None}, "use_bias"),
    (3, {"axis": [1]}, "axis"), (3, {"epsilon": "big"}, "epsilon"), (3, {"epsilon": float("nan")}, "epsilon"), (4, {"max_value": 3.0}, "max_value"),
    (4, {"threshold": 1.0}, "threshold"), (1, {"scale": [1, 2]}, "scale"), (1, {"scale": None}, "scale"), (6, {"units": -1}, "units"),
    (6, {"activation": "tanh"}, "tanh"), (0, {"batch_input_shape": [None, 8, 8, 9]}, "channels"), (0, {"batch_input_shape": None}, "input"),
    (0, {"batch_input_shape": [None, 8]}, "input"), (0, {"batch_input_shape": [None, 10**7, 8, 3]}, "input"),
])
def test_bad_settings_are_named(tmp_path, capsys, index, config, word):
    assert word in refused(tmp_path, capsys, write_h5(tmp_path / "m.h5", changed(index, **config)))


@pytest.mark.parametrize("name,variable,values,word", [
    ("conv", "kernel", np.ones((3, 3, 3, 5)), "shape"), ("dense", "bias", np.ones(3), "shape"), ("conv", "kernel", None, "missing"),
    ("bn", "gamma", np.array([1, 2, np.nan, 4]), "NaN"), ("conv", "kernel", np.full((3, 3, 3, 4), np.inf), "NaN or infinity"),
    ("bn", "moving_variance", np.full(4, -1.0), "variance"), ("bn", None, None, "missing"),
])
@pytest.mark.parametrize("writer", [write_h5, write_keras])
def test_bad_weights_are_named(tmp_path, capsys, writer, name, variable, values, word):
    weights = tiny_weights()
    if variable is None:
        weights[name] = {}
    elif values is None:
        del weights[name][variable]
    else:
        weights[name][variable] = values
    message = refused(tmp_path, capsys, writer(tmp_path / "model", None, weights))
    assert f"layer '{name}'" in message
    assert word in message or writer is write_keras and "arrays" in message


def test_weight_too_large_after_folding_is_named(tmp_path, capsys):
    weights = tiny_weights()
    weights["bn"]["gamma"] = np.full(4, 3e38)
    weights["conv"]["kernel"] = np.full((3, 3, 3, 4), 3e3)
    assert "too large" in refused(tmp_path, capsys, write_h5(tmp_path / "m.h5", None, weights))


def test_files_that_are_no_models(tmp_path, capsys):
    cases = {"empty": b"", "text": b"hello", "half": b"\x89HDF\r\n\x1a\n", "zip": b"PK\x03\x04garbage", "fovea": b"FOVEA\r\n\x1a"}
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        assert name in refused(tmp_path, capsys, tmp_path / name)
    assert "No such file" in refused(tmp_path, capsys, tmp_path / "missing.h5")
    assert "folder" in refused(tmp_path, capsys, tmp_path)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["numbers"] = np.arange(3)
    assert "not a Keras model" in refused(tmp_path, capsys, tmp_path / "other.h5")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    assert "not a Keras model" in refused(tmp_path, capsys, tmp_path / "other.zip")


def test_weights_alone_are_refused(tmp_path, capsys):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv"]
    with h5py.File(tmp_path / "new.weights.h5", "w") as file:
        file.create_group("layers/conv2d/vars")
    for name in ("old.h5", "new.weights.h5"):
        assert "without the network's structure" in refused(tmp_path, capsys, tmp_path / name)


@pytest.mark.parametrize("version", [None, "1.2.3", "two", "4.0.0"])
def test_version_decides(tmp_path, capsys, version):
    assert "Keras" in refused(tmp_path, capsys, write_h5(tmp_path / "m.h5", version=version))


@pytest.mark.parametrize("config", [
    "", "{", "[]", "null", "12", '{"class_name": "Functional"}', '{"class_name": "Functional", "config": []}',
    '{"class_name": "Functional", "config": {"layers": []}}', '{"class_name": "Functional", "config": {"layers": [1]}}',
    '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {}}]}}', '{"class_name": "MyModel", "config": {}}',
    "[" * 100_000, '{"a":' * 100_000, '{"class_name": "Functional", "config": {"layers": [{"class_name": 5, "config": 6, "name": 7}]}}',
    json.dumps({**model_config(tiny_layers()), "class_name": "Sequential"}).replace("rescaling", "image"),
])
def test_json_garbage(tmp_path, capsys, config):
    refused(tmp_path, capsys, write_h5(tmp_path / "m.h5", config=config))


def test_random_damage_of_the_configuration(tmp_path, capsys):
    """Every value of the configuration replaced by odd ones: converted or refused in one line."""
    original = json.dumps(model_config(tiny_layers()))

    def places(value, path=()):
        yield path
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            yield from places(item, (*path, key))

    outcomes = set()
    for path in [p for p in places(json.loads(original)) if p]:
        for odd in (None, -1, 1e300, "x", [], {}, [[]], True):
            config = json.loads(original)
            target = config
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = odd
            write_h5(tmp_path / "m.h5", config=config)
            status = fovea_convert(tmp_path / "m.h5", tmp_path / "out.fovea", *LABELS)
            said = capsys.readouterr()
            assert status in (0, 2, 4) and "Traceback" not in said.err, (path, odd)
            assert status == 0 or said.err.count("\n") == 1, (path, odd)
            outcomes.add(status)
    assert {0, 4} <= outcomes


def test_cycles_and_dangling_references(tmp_path, capsys):
    layers = tiny_layers()
    layers[2]["inbound_nodes"] = [[["relu", 0, 0, {}]]]
    assert "cycle" in refused(tmp_path, capsys, write_h5(tmp_path / "m.h5", layers))
    for node in ([["nobody", 0, 0, {}]], [["rescaling", 7, 0, {}]], [["rescaling", 0, 3, {}]]):
        layers[2]["inbound_nodes"] = [node]
        refused(tmp_path, capsys, write_h5(tmp_path / "m.h5", layers))


def test_truncated_files(tmp_path, capsys):
    for writer in (write_h5, write_keras):
        data = writer(tmp_path / "whole").read_bytes()
        for part in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
            (tmp_path / "cut").write_bytes(data[: int(len(data) * part)])
            refused(tmp_path, capsys, tmp_path / "cut")


def test_zip_bomb(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.0.5"}))
        archive.writestr("config.json", json.dumps(model_config(tiny_layers())))
        archive.writestr("model.weights.h5", bytes(64 << 20))
    assert "larger than" in refused(tmp_path, capsys, tmp_path / "bomb.keras")


def test_arrays_outside_the_file_are_not_followed(tmp_path, capsys):
    source = write_h5(tmp_path / "m.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kernel"] = np.ones((3, 3, 3, 4), np.float32)
    with h5py.File(source, "r+") as file:
        del file["model_weights/conv/conv/kernel:0"]
        file["model_weights/conv/conv/kernel:0"] = h5py.ExternalLink("other.h5", "kernel")
    assert "link" in refused(tmp_path, capsys, source)
    with h5py.File(source, "r+") as file:
        del file["model_weights/conv/conv/kernel:0"]
        raw = tmp_path / "raw.bin"
        raw.write_bytes(np.ones((3, 3, 3, 4), np.float32).tobytes())
        file.create_dataset("model_weights/conv/conv/kernel:0", (3, 3, 3, 4), "f4", external=[(str(raw), 0, 432)])
    assert "another file" in refused(tmp_path, capsys, source)


def test_giant_declared_arrays_are_not_read(tmp_path, capsys):
    weights = tiny_weights()
    source = write_h5(tmp_path / "m.h5", changed(2, kernel_size=[9000, 9000], filters=4), weights)
    with h5py.File(source, "r+") as file:
        del file["model_weights/conv/conv/kernel:0"]
        file.create_dataset("model_weights/conv/conv/kernel:0", (9000, 9000, 3, 4), "f4", chunks=(100, 100, 3, 4))
    assert "more than this converter takes" in refused(tmp_path, capsys, source)


@pytest.mark.parametrize("options,word", [
    ((), "--labels"), (("--labels", "a"), "names 1 classes"), (("--labels", "a,b,c"), "names 3"), (("--labels", "a,,b"), "--labels"),
    (("--labels", "a,a"), "same name"), (("--labels", "dr,no_dr"), "negative"),
    ((*LABELS, "--dtype", "int8"), "fp32"), ((*LABELS, "--dtype", "bf16"), "fp32"), ((*LABELS, "--sigma", "0"), "--sigma"),
    ((*LABELS, "--sigma", "x"), "--sigma"), ((*LABELS, "--preset", "none", "--sigma", "3"), "no Gaussian"), ((*LABELS, "--preset", "best"), "preset"),
    ((*LABELS, "--tolerance", "256"), "--tolerance"), ((*LABELS, "--temperature", "0"), "--temperature"), ((*LABELS, "--temperature", "nan"), "--temperature"),
    ((*LABELS, "--operating-point", "a"), "NAME=VALUE"), ((*LABELS, "--operating-point", "a=2"), "0 to 1"),
    ((*LABELS, "--operating-point", "a=0.1", "--operating-point", "a=0.2"), "different names"), ((*LABELS, "--default-operating-point", "b"), "b"),
    ((*LABELS, "--operating-point", "a=0.1", "--any-dr-operating-point", "a=0.1"), "grade5 alone"),
    ((*LABELS, "--any-dr-operating-point", "a=0.1"), "that of an --operating-point"),
    ((*LABELS, "--provenance", "licence"), "NAME=VALUE"), ((*LABELS, "--provenance", "source_sha256=1"), "source_sha256"),
    ((*LABELS, "--golden", "nowhere.npz"), "nowhere.npz"), ((*LABELS, "--input-size", "0"), "--input-size"), ((*LABELS, "--input-size", "16"), "8x8 only"),
    ((*LABELS, "--target", "grade5"), "five"), ((*LABELS, "--output-activation", "sigmoid"), "softmax already"), ((*LABELS, "--frobnicate"), "--frobnicate"),
])
def test_wrong_usage(tmp_path, capsys, options, word):
    source = write_h5(tmp_path / "m.h5")
    assert fovea_convert(source, tmp_path / "out.fovea", *options) == 2
    said = capsys.readouterr()
    assert word in said.err and said.err.count("\n") == 1 and not (tmp_path / "out.fovea").exists()


def test_golden_vectors_must_fit(tmp_path, capsys):
    source = write_h5(tmp_path / "m.h5")
    good = dict(pixels=np.zeros((2, 8, 8, 3), np.uint8), logits=np.zeros((2, 2), np.float32))
    bad = [
        {"pixels": good["pixels"]}, {**good, "pixels": good["pixels"].astype(np.float32)}, {**good, "logits": np.zeros((2, 3))},
        {**good, "pixels": np.zeros((2, 9, 8, 3), np.uint8)}, {**good, "logits": np.full((2, 2), np.nan)}, {**good, "tolerance": -1},
    ]
    for arrays in bad:
        np.savez(tmp_path / "g.npz", **arrays)
        refused(tmp_path, capsys, source, *LABELS, "--golden", str(tmp_path / "g.npz"), status=2)


def test_unwritable_output(tmp_path, capsys):
    source = write_h5(tmp_path / "m.h5")
    assert fovea_convert(source, tmp_path / "no" / "such" / "folder.fovea", *LABELS) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_as_a_program_without_any_framework(tmp_path):
    """The command in a process of its own imports no training framework."""
    write_h5(tmp_path / "m.h5")
    code = (
        "import sys; from fovea_tools.commands.convert import main; status = main(sys.argv[1:]); "
        "loaded = {'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules); sys.exit(str(loaded) if loaded else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.h5"), "-o", str(tmp_path / "m.fovea"), *stated(LABELS)],
        capture_output=True, text=True, env={"PYTHONPATH": str(REPOSITORY / "converter"), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m.fovea").stat().st_size > 1000


def test_random_damage_of_the_bytes(tmp_path, capsys):
    """Bytes of the files themselves replaced: converted, or refused in one line."""
    random = np.random.default_rng(11)
    outcomes = set()
    for writer in (write_h5, write_keras):
        data = writer(tmp_path / "whole").read_bytes()
        for _ in range(150):
            damaged = bytearray(data)
            for position in random.integers(0, len(data), random.integers(1, 6)):
                damaged[position] = random.integers(0, 256)
            (tmp_path / "damaged").write_bytes(damaged)
            status = fovea_convert(tmp_path / "damaged", tmp_path / "out.fovea", *LABELS, "--quiet")
            said = capsys.readouterr()
            assert status in (0, 2, 4) and said.out == ""
            assert status == 0 or said.err.count("\n") == 1, said.err
            outcomes.add(status)
    assert {0, 4} <= outcomes


EVIL = "\x1b[2J\u202egnp\nfovea-convert: all is well\x9b"


@pytest.mark.parametrize("place", ["class", "layer", "activation", "file", "option", "output"])
def test_no_name_steers_the_terminal(tmp_path, capsys, place):
    layers = tiny_layers()
    options = ["--labels", "no_dr,dr", "--preprocess-input", "none"]
    if place == "class":
        layers[4] = layer("relu", EVIL, "bn")
    elif place == "layer":
        layers[4] = layer(EVIL, "Lambda", "bn")
        layers[5]["inbound_nodes"] = [[[EVIL, 0, 0, {}]]]
    elif place == "activation":
        layers[6]["config"]["activation"] = EVIL
    source = tmp_path / "m.h5" if place != "file" else tmp_path / f"{EVIL}.h5"
    write_h5(tmp_path / "m.h5", layers)
    if place == "file":
        source.write_bytes(b"nothing")
    elif place == "option":
        options += [f"--{EVIL}"]
    status = fovea_convert(source, tmp_path / (f"{EVIL}.fovea" if place == "output" else "m.fovea"), *options)
    told = capsys.readouterr()
    assert status == {"option": 2, "output": 0}.get(place, 4)
    lines = [line for text in (told.out, told.err) for line in text.split("\n")]
    assert all(line.isprintable() for line in lines) and not any(line.startswith("fovea-convert: all") for line in lines)
    assert "\\u202e" in told.out + told.err
