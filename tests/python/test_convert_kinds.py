# SPDX-License-Identifier: Apache-2.0
"""Networks that once converted to something else than what Keras computes, or were refused for the wrong reason, and others of their kind.

The files in models/ were saved by Keras 2.15.0 and 3.15.1. Tests against Keras itself need TensorFlow and FOVEA_BINARY.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from conftest import (
    REPOSITORY, convert_to_model, fovea_convert, layer, model_config, stated, tiny_layers, tiny_weights, write_h5, write_keras,
)

from fovea_tools.commands.convert import main
from fovea_tools.file.fovea_file import NODE_KINDS

MODELS = pathlib.Path(__file__).parent / "models"
LABELS = ("--labels", "no_dr,dr")
RAW = ("--preprocess-input", "none")


def refused(source, tmp_path, capsys, *options, status=4):
    assert fovea_convert(source, tmp_path / "m.fovea", *(options or (*LABELS, *RAW))) == status
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and not (tmp_path / "m.fovea").exists()
    return said


@pytest.mark.parametrize("name,words", [
    ("nested_training_true.h5", ("'batch_normalization'", "training=True")), ("dropout_training_true.h5", ("'dropout'", "training=True")),
    ("reg_Conv2D_keras.keras", ("'conv2d_1' (Conv2D)", "mine>Conv2D")), ("quantized_int8.keras", ("'dense' (Dense)", "quantised to int8")),
    ("channels_first.h5", ("'conv2d'", "channels_last")), ("custom_cbam_layer.h5", ("'att' (Att)", "a layer of your own")),
])
def test_refused_for_the_right_reason(tmp_path, capsys, name, words):
    said = refused(MODELS / name, tmp_path, capsys)
    assert all(word in said for word in words), said


@pytest.mark.parametrize("name,kinds", [
    ("normalization_adapted.h5", ["convolution", "affine"]), ("normalization_axis_none.h5", ["affine"]),
    ("randomheight.h5", ["affine"]), ("se_slice_none.h5", ["multiply"]), ("ops_amax.keras", ["channel_reduce", "multiply"]),
])
def test_converted(tmp_path, name, kinds):
    model = convert_to_model(MODELS / name, tmp_path / "m.fovea", *LABELS)
    assert set(kinds) <= {NODE_KINDS[node.kind] for node in model.nodes}


def test_slices_of_keras_3_equal_keras_3(fovea_run, tmp_path):
    """Of channels with steps, backwards and from the end, of one channel, of a vector, with new axes: against Keras 3's own logits."""
    expected = np.array(json.loads((MODELS / "keras3_slices.json").read_text())["logits"])
    assert fovea_convert(MODELS / "keras3_slices.keras", tmp_path / "m.fovea", *LABELS, "--output-activation", "softmax", "--quiet") == 0
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)  # as in make_keras3_slices.py
    found = np.array([fovea_run(tmp_path / "m.fovea", picture[np.newaxis])[0] for picture in pictures]).reshape(expected.shape)
    assert np.abs(found - expected).max() < 1e-5 * np.ptp(expected)


# ---- arguments of calls ----

def with_call(index, entry=None, writer=write_h5, **keywords):
    layers = tiny_layers()
    if entry is not None:
        entry["inbound_nodes"] = layers[index]["inbound_nodes"]
        layers[index] = entry
    layers[index]["inbound_nodes"][0][0][3] = keywords
    return layers


@pytest.mark.parametrize("class_name,config", [
    ("Dropout", dict(rate=0.5)), ("SpatialDropout2D", dict(rate=0.5)), ("GaussianNoise", dict(stddev=0.1)), ("GaussianDropout", dict(rate=0.1)),
    ("AlphaDropout", dict(rate=0.1)), ("RandomFlip", dict(mode="horizontal")), ("RandomHeight", dict(factor=0.2)), ("RandAugment", {}),
])
@pytest.mark.parametrize("version", ["2.15.0", "3.5.0"])
def test_random_layers_in_training_mode_are_refused(tmp_path, capsys, class_name, config, version):
    for training, status in ((True, 4), (False, 0), (None, 0)):
        layers = with_call(4, layer("relu", class_name, "bn", **config), training=training)
        path = write_h5(tmp_path / "m.h5", layers, version=version)
        assert fovea_convert(path, tmp_path / "m.fovea", *LABELS, "--quiet") == status
        assert ("layer 'relu'" in capsys.readouterr().err) == (status == 4)


def test_dropout_of_nothing_in_training_mode_is_nothing(tmp_path):
    layers = with_call(4, layer("relu", "Dropout", "bn", rate=0.0), training=True)
    convert_to_model(write_h5(tmp_path / "m.h5", layers), tmp_path / "m.fovea")


@pytest.mark.parametrize("index", [2, 4, 5, 6])
@pytest.mark.parametrize("keyword,value", [("initial_state", 3), ("mask", [1, 0]), ("training", "yes"), ("scale", 2.0)])
def test_any_other_keyword_of_a_call_is_refused(tmp_path, capsys, index, keyword, value):
    layers = with_call(index, **{keyword: value})
    assert keyword in refused(write_h5(tmp_path / "m.h5", layers), tmp_path, capsys)


def nested(inner_training, outer_training, trainable=True, sequential=False):
    inner = tiny_layers()[:5]
    inner[3]["config"]["trainable"] = trainable
    if inner_training is not None:
        inner[3]["inbound_nodes"][0][0][3] = {"training": inner_training}
    config = model_config(inner)["config"]
    config["name"] = "backbone"
    backbone = {"class_name": "Functional", "name": "backbone", "config": config, "inbound_nodes": [[["image", 0, 0, {}]]]}
    if sequential:
        backbone["class_name"], backbone["config"] = "Sequential", {"name": "backbone", "layers": inner}
    backbone["inbound_nodes"][0][0][3] = {} if outer_training is None else {"training": outer_training}
    rest = tiny_layers()[5:]
    rest[0]["inbound_nodes"] = [[["backbone", 1, 0, {}]]]
    return [tiny_layers()[0], backbone, *rest]


def nested_weights():
    weights = tiny_weights()
    arrays = {f"{name}/{key}": value for name in ("conv", "bn") for key, value in weights[name].items()}
    return arrays, {"dense": weights["dense"]}


def write_nested(path, layers, version):
    arrays, rest = nested_weights()
    write_h5(path, layers, rest, version=version)
    with h5py.File(path, "r+") as file:
        for name, values in arrays.items():
            file[f"model_weights/backbone/{name}:0"] = values.astype(np.float32)
    return path


@pytest.mark.parametrize("version,inner,outer,trainable,status", [
    ("2.15.0", None, True, True, 4), ("2.15.0", None, False, True, 0), ("2.15.0", None, None, True, 0), ("2.15.0", True, False, True, 4),
    # In Keras 2 the layer's own word decides, in Keras 3 it depends on how the model is called.
    ("2.15.0", False, True, True, 0), ("3.5.0", False, True, True, 4), ("3.5.0", None, True, True, 4), ("3.5.0", True, None, True, 4),
    ("3.5.0", False, False, True, 0),
    # A frozen normalisation stays as it is.
    ("2.15.0", None, True, False, 0), ("3.5.0", True, True, False, 0),
])
def test_training_of_nested_models(tmp_path, capsys, version, inner, outer, trainable, status):
    path = write_nested(tmp_path / "m.h5", nested(inner, outer, trainable), version)
    assert fovea_convert(path, tmp_path / "m.fovea", *LABELS, "--quiet") == status, capsys.readouterr().err


def test_training_of_a_nested_sequential_model(tmp_path, capsys):
    for outer, status in ((True, 4), (None, 0)):
        path = write_nested(tmp_path / "m.h5", nested(None, outer, sequential=True), "2.15.0")
        assert fovea_convert(path, tmp_path / "m.fovea", *LABELS, "--quiet") == status, capsys.readouterr().err


def test_other_keywords_of_nested_models_are_refused(tmp_path, capsys):
    layers = nested(None, None)
    layers[1]["inbound_nodes"][0][0][3] = {"mask": [1]}
    said = refused(write_nested(tmp_path / "m.h5", layers, "2.15.0"), tmp_path, capsys)
    assert "'backbone'" in said and "mask" in said


@pytest.mark.parametrize("function,keywords,words", [
    ("cast", {"dtype": "uint8"}, "uint8"), ("cast", {"dtype": "int32"}, "int32"), ("nn.swish", {"beta": 2.0}, "beta"),
    ("nn.relu", {"rate": 3}, "rate"), ("math.reduce_max", {"axis": [1, 2], "keepdims": True, "initial": 3.0}, "initial"),
    ("__operators__.getitem", {"slice_spec": [{"start": None}, {"start": 1}]}, "height"),
    ("__operators__.getitem", {"slice_spec": [{"start": 0, "stop": 1}]}, "batch"),
])
def test_arguments_of_functions_that_change_the_result_are_refused(tmp_path, capsys, function, keywords, words):
    entry = {"class_name": "TFOpLambda", "name": "relu", "config": {"name": "relu", "trainable": True, "function": function}}
    layers = tiny_layers()
    layers[4] = {**entry, "inbound_nodes": [["bn", 0, 0, keywords]]}
    assert words in refused(write_h5(tmp_path / "m.h5", layers), tmp_path, capsys)


# ---- whose class it is ----

def is_keras_or_refused(source, tmp_path, capsys, refusal, whose):
    """It is converted where there is no refusal, otherwise refused as the user's own, with these words and whose they are of."""
    if refusal is None:
        convert_to_model(source, tmp_path / "m.fovea")
    else:
        said = refused(source, tmp_path, capsys)
        assert whose in said and "of your own" in said and refusal in said


@pytest.mark.parametrize("fields,refusal", [
    ({"module": None, "registered_name": "ReLU"}, "of no module"), ({"module": "my.layers", "registered_name": None}, "my.layers"),
    ({"module": "keras.layers", "registered_name": "mine>ReLU"}, "mine>ReLU"), ({"class_name": "mine>ReLU"}, "mine>ReLU"),
    ({"module": "keras_hub.layers"}, "keras_hub"), ({"module": "keras.layers", "registered_name": None}, None),
    ({"module": "keras.src.layers.activations.relu", "registered_name": "ReLU"}, None),
])
@pytest.mark.parametrize("writer", [write_h5, write_keras])
def test_whose_layer_it_is(tmp_path, capsys, fields, refusal, writer):
    layers = tiny_layers()
    layers[4].update(fields)
    is_keras_or_refused(writer(tmp_path / "model", layers), tmp_path, capsys, refusal, "'relu'")


@pytest.mark.parametrize("value,refusal", [
    ({"module": "builtins", "class_name": "function", "config": "mine>relu", "registered_name": "function"}, "'mine>relu'"),
    ({"module": "builtins", "class_name": "function", "config": "swish", "registered_name": "function"}, "'builtins'"),
    ({"module": "mine.activations", "class_name": "function", "config": "relu", "registered_name": "mine>relu"}, "registered as 'mine>relu'"),
    ({"module": None, "class_name": "ReLU", "config": {"max_value": None}, "registered_name": "mine>ReLU"}, "registered as 'mine>ReLU'"),
    ({"module": "keras.layers", "class_name": "ReLU", "config": {"max_value": None}, "registered_name": None}, None), ("relu", None),
])
@pytest.mark.parametrize("writer", [write_h5, write_keras])
def test_whose_activation_it_is(tmp_path, capsys, value, refusal, writer):
    layers = tiny_layers()
    layers[4] = layer("relu", "Activation", "bn", activation=value)
    is_keras_or_refused(writer(tmp_path / "model", layers), tmp_path, capsys, refusal, "'relu' (Activation)")


@pytest.mark.parametrize("writer,told", [(write_h5, True), (write_keras, False)])
def test_what_a_file_cannot_tell_is_told(tmp_path, capsys, writer, told):
    layers = tiny_layers()
    layers[2]["config"]["activation"], layers[4] = "swish", layer("relu", "ReLU", "bn")
    assert fovea_convert(writer(tmp_path / "model", layers), tmp_path / "m.fovea", *LABELS) == 0
    said = capsys.readouterr().out
    assert "does not say whether the activation functions softmax, swish are Keras's" in said
    assert ("a layer of your own called as one of Keras's" in said) == told


@pytest.mark.parametrize("fields", [{"class_name": "MyModel"}, {"module": None, "registered_name": "Functional"}, {"registered_name": "a>Functional"}])
def test_models_of_ones_own_class_are_refused(tmp_path, capsys, fields):
    said = refused(write_h5(tmp_path / "m.h5", config={**model_config(tiny_layers()), **fields}), tmp_path, capsys)
    assert "keras.Model(model.inputs, model.outputs)" in said


@pytest.mark.parametrize("index,setting", [(2, "strides"), (3, "epsilon"), (4, "threshold"), (6, "activation"), (1, "offset"), (5, "trainable")])
def test_a_layer_without_the_settings_of_keras_is_not_keras(tmp_path, capsys, index, setting):
    layers = tiny_layers()
    del layers[index]["config"][setting]
    assert setting in refused(write_h5(tmp_path / "m.h5", layers), tmp_path, capsys)


# ---- what has to be said ----

def test_target_and_preset_must_be_given(tmp_path, capsys):
    source = write_h5(tmp_path / "m.h5")
    given = {"--labels": "no_dr,dr", "--target": "any_dr", "--preset": "none"}
    for missing in given:
        options = [word for option, value in given.items() if option != missing for word in (option, value)]
        assert main([str(source), "-o", str(tmp_path / "m.fovea"), *options]) == 2
        assert f"{missing} is missing" in capsys.readouterr().err and not (tmp_path / "m.fovea").exists()


def unscaled():
    layers = tiny_layers()
    del layers[1]
    layers[1]["inbound_nodes"] = [[["image", 0, 0, {}]]]
    return layers


def test_pixels_that_nothing_rescales_are_refused(tmp_path, capsys):
    source = write_h5(tmp_path / "m.h5", unscaled())
    assert "--preprocess-input" in refused(source, tmp_path, capsys, *LABELS, status=2)
    for options in (RAW, ("--scale", "1/255"), ("--preprocess-input", "vgg16"), ("--mean", "1,2,3")):
        assert fovea_convert(source, tmp_path / "m.fovea", *LABELS, *options, "--quiet") == 0
    for options, word in ((("--mean", "1,2"), "2 numbers"), (("--scale", "0"), "--scale"), (("--scale", "x"), "--scale"), (("--mean", "nan"), "--mean"),
                          (("--preprocess-input", "tf", "--scale", "2"), "--preprocess-input"), (("--preprocess-input", "best"), "best")):
        assert fovea_convert(source, tmp_path / "m.fovea", *LABELS, *options) == 2
        assert word in capsys.readouterr().err


def test_every_way_from_the_pixels_must_be_rescaled(tmp_path, capsys):
    def two_ways(second):
        image, one = tiny_layers()[:2]
        layers = [image, one, second, layer("pool_1", "GlobalAveragePooling2D", "rescaling"), layer("pool_2", "GlobalAveragePooling2D", "second")]
        return [*layers, layer("both", "Concatenate", "pool_1", "pool_2"), layer("end", "Softmax", "both")]

    labels = ("--labels", "a,b,c,d,e,f")
    both = write_h5(tmp_path / "both.h5", two_ways(layer("second", "Rescaling", "image", scale=1 / 255)), {})
    convert_to_model(both, tmp_path / "both.fovea", *labels)
    one = write_h5(tmp_path / "one.h5", two_ways(layer("second", "MaxPooling2D", "image")), {})
    assert "--preprocess-input" in refused(one, tmp_path, capsys, *labels, status=2)


def first_layers(*entries):
    """The tiny network with these between the image and its convolution."""
    image, _, *rest = tiny_layers()
    rest[0]["inbound_nodes"] = [[[entries[-1]["name"], 0, 0, {}]]]
    return [image, *entries, *rest]


def statistics(mean, deviation):
    return {"gamma": np.ones(3), "beta": np.zeros(3), "moving_mean": np.asarray(mean), "moving_variance": np.square(deviation) - 0.001}


def rescaled(scale, offset=0.0, source="image", name="first"):
    return layer(name, "Rescaling", source, scale=scale, offset=offset)


def adapted(mean, deviation):
    return {"mean": np.float32(mean), "variance": np.square(np.float32(deviation)), "count": np.int64(4096)}


FIRST, ADAPTED = layer("first", "BatchNormalization", "image"), layer("first", "Normalization", "image")


@pytest.mark.parametrize("entries,weights,status,word", [
    ([FIRST], statistics([0.0] * 3, [1.0] * 3), 2, "0 to 255"),                     # never trained
    ([FIRST], statistics([110.0, 60.0, 25.0], [60.0, 40.0, 12.0]), 0, "wide"),      # a retina's: the blue reaches 19
    ([FIRST], statistics([110.0, 60.0, 60.0], [60.0, 64.0, 68.0]), 0, ""),
    ([FIRST], statistics([110.0, 60.0, 25.0], [6.0, 4.0, 1.2]), 2, "unusual range"),
    ([rescaled(1.0)], None, 2, "0 to 255 by first"), ([rescaled(100.0)], None, 2, "25500"), ([rescaled(1 / 10)], None, 2, "25.5"),
    ([rescaled(1.0, -128.0)], None, 2, "-128 to 127"), ([rescaled(1 / 12.75, -10.0)], None, 2, "-10 to 10"), ([rescaled(1 / 255, 2.0)], None, 2, "2 to 3"),
    ([rescaled(1 / 65535)], None, 2, "narrow"), ([rescaled(1 / 255), rescaled(100.0, 0.0, "first", "second")], None, 2, "0 to 100 by first, second"),
    ([layer("pad", "ZeroPadding2D", "image", padding=[[1, 1], [1, 1]]), rescaled(1.0, 0.0, "pad")], None, 2, "0 to 255 by first"),
    ([rescaled(1 / 255)], None, 0, ""), ([rescaled(1 / 127.5, -1.0)], None, 0, ""), ([rescaled(-1 / 255, 1.0)], None, 0, ""), ([rescaled(1 / 128)], None, 0, ""),
    ([rescaled(1 / 255), rescaled(1 / 127.5, -1.0, "first", "second")], None, 0, "rescaled twice"),
    ([ADAPTED], adapted([110.0, 60.0, 25.0], [60.0, 40.0, 12.0]), 0, "wide"), ([ADAPTED], adapted([128.0] * 3, [18.0] * 3), 0, "wide"),  # Ben Graham's
    ([ADAPTED], adapted([0.43, 0.24, 0.1], [0.24, 0.16, 0.05]), 2, "by first, an unusual range"),   # of pixels within 0 to 1,
    ([ADAPTED], adapted([-0.1, -0.5, -0.8], [0.47, 0.31, 0.1]), 2, "unusual range"),                # -1 to 1,
    ([ADAPTED], adapted([1600.0, 900.0, 400.0], [900.0, 600.0, 200.0]), 2, "unusual range"),        # 12 bits
    ([ADAPTED], adapted([28000.0, 15000.0, 6000.0], [15000.0, 10000.0, 3000.0]), 2, "narrow"),      # and 16
])
def test_pixels_of_an_unusual_range_are_refused_until_they_are_named(tmp_path, capsys, entries, weights, status, word):
    source = write_h5(tmp_path / "m.h5", first_layers(*entries), {**tiny_weights(), **({"first": weights} if weights else {})})
    if status:
        said = refused(source, tmp_path, capsys, *LABELS, status=2)
        assert word in said and "--preprocess-input" in said
        assert fovea_convert(source, tmp_path / "m.fovea", *LABELS, *RAW, "--quiet") == 0 and "converted as it is" in capsys.readouterr().err
        return
    assert fovea_convert(source, tmp_path / "m.fovea", *LABELS, "--quiet") == 0
    said = capsys.readouterr().err
    assert word in said if word else said == ""


def test_the_range_is_looked_at_on_every_way_from_the_pixels(tmp_path, capsys):
    layers = [tiny_layers()[0], rescaled(1 / 255), rescaled(3.0, name="second"), layer("pool_1", "GlobalAveragePooling2D", "first"),
              layer("pool_2", "GlobalAveragePooling2D", "second"), layer("both", "Concatenate", "pool_1", "pool_2"), layer("end", "Softmax", "both")]
    assert "0 to 765 by second" in refused(write_h5(tmp_path / "m.h5", layers, {}), tmp_path, capsys, "--labels", "a,b,c,d,e,f", status=2)


def reference_preprocessing(mode, pixels):
    """keras.applications.imagenet_utils.preprocess_input, by its definition."""
    x = pixels.astype(np.float64)
    if mode == "tf":
        return x / 127.5 - 1
    if mode == "torch":
        return (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return x[..., ::-1] - [103.939, 116.779, 123.68]


@pytest.mark.parametrize("option,mode", [("tf", "tf"), ("torch", "torch"), ("caffe", "caffe"), ("resnet50", "caffe"), ("densenet", "torch"),
                                         ("inception_v3", "tf"), ("xception", "tf"), ("vgg19", "caffe"), ("resnet_v2", "tf")])
def test_named_preprocessing_does_what_keras_does(tmp_path, fovea_run, option, mode):
    """A network that only averages the channels shows what arrives at its first layer."""
    layers = [tiny_layers()[0], layer("pool", "GlobalAveragePooling2D", "image"), layer("end", "Softmax", "pool")]
    source = write_h5(tmp_path / "m.h5", layers, {})
    convert_to_model(source, tmp_path / "m.fovea", "--labels", "a,b,c", "--preprocess-input", option)
    pixels = np.random.default_rng(3).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    logits, _ = fovea_run(tmp_path / "m.fovea", pixels)
    np.testing.assert_allclose(logits, reference_preprocessing(mode, pixels).mean((0, 1)), rtol=2e-5, atol=2e-5)


def test_mean_and_scale(tmp_path, fovea_run):
    layers = [tiny_layers()[0], layer("pool", "GlobalAveragePooling2D", "image"), layer("end", "Softmax", "pool")]
    source = write_h5(tmp_path / "m.h5", layers, {})
    convert_to_model(source, tmp_path / "m.fovea", "--labels", "a,b,c", "--mean", "10,20,30", "--scale", "1/255,0.5,2")
    pixels = np.random.default_rng(3).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    logits, _ = fovea_run(tmp_path / "m.fovea", pixels)
    np.testing.assert_allclose(logits, ((pixels - [10.0, 20, 30]) * [1 / 255, 0.5, 2]).mean((0, 1)), rtol=1e-5, atol=1e-5)


def test_a_target_other_than_retinopathy_is_not_screened(tmp_path, fovea_binary):
    convert_to_model(write_h5(tmp_path / "m.h5"), tmp_path / "m.fovea", "--labels", "cat,dog", "--target", "other")
    (tmp_path / "a.jpg").write_bytes(b"")
    done = subprocess.run([fovea_binary, "screen", "--model", tmp_path / "m.fovea", tmp_path / "a.jpg"], capture_output=True, text=True)
    assert done.returncode == 4 and "no detector" in done.stderr and done.stdout == ""


# ---- regression ----

def test_a_regression_gets_no_probability(tmp_path, capsys):
    source = MODELS / "linear_regression.h5"
    assert "regression" in refused(source, tmp_path, capsys, *LABELS, status=2)
    assert "1 for every photo" in refused(source, tmp_path, capsys, "--labels", "a", "--output-activation", "softmax", status=2)


@pytest.mark.parametrize("loss", ["mse", "mean_squared_error", ["mae"], {"dense": "huber"}, {"class_name": "MeanSquaredError", "config": {}},
                                  {"class_name": "function", "config": "log_cosh"}])
def test_a_loss_for_numbers_is_believed(tmp_path, capsys, loss):
    layers = tiny_layers()
    layers[6]["config"]["activation"] = "linear"
    source = write_h5(tmp_path / "m.h5", layers)
    with h5py.File(source, "r+") as file:
        file.attrs["training_config"] = json.dumps({"loss": loss})
    assert "a regression" in refused(source, tmp_path, capsys, *LABELS, "--output-activation", "softmax")


# ---- ranges: what the converter writes the engine reads ----

@pytest.mark.parametrize("options,status", [
    (("--temperature", "1e-6"), 0), (("--temperature", "1e6"), 0), (("--temperature", "9e-7"), 2), (("--temperature", "1.1e6"), 2), (("--temperature", "1e-7"), 2),
    (("--sigma", "1e-40"), 0), (("--sigma", "1e-50"), 2), (("--sigma", "256"), 0), (("--sigma", "257"), 2), (("--tolerance", "255"), 0), (("--tolerance", "-1"), 2),
    (("--operating-point", "a=0"), 0), (("--operating-point", "a=1"), 0), (("--operating-point", "a=1.0000001"), 2),
])
def test_numbers_at_the_ends_of_their_ranges(tmp_path, fovea_binary, options, status):
    assert fovea_convert(write_h5(tmp_path / "m.h5"), tmp_path / "m.fovea", *LABELS, *options, "--quiet") == status
    if status == 0:
        done = subprocess.run([fovea_binary, "info", tmp_path / "m.fovea"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("change,word", [
    (lambda layers: layers[5].update(layer("pool", "MaxPooling2D", "relu", pool_size=[70_000, 1], padding="same", strides=[70_000, 1])), "kernel"),
    (lambda layers: rename(layers, "a\0b"), "zero byte"), (lambda layers: rename(layers, "\ud800"), "no text"),
    (lambda layers: rename(layers, "x" * 70_000), "too long"),
])
def test_what_no_engine_reads_is_not_written(tmp_path, capsys, change, word):
    layers = tiny_layers()
    layers.insert(6, layer("last", "GlobalAveragePooling2D", "pool"))
    layers[7]["inbound_nodes"] = [[["last", 0, 0, {}]]]
    layers[5] = layer("pool", "MaxPooling2D", "relu", pool_size=[2, 2])
    change(layers)
    assert word in refused(write_h5(tmp_path / "m.h5", layers), tmp_path, capsys)


def rename(layers, name):
    layers[4]["name"] = layers[4]["config"]["name"] = name
    layers[5]["inbound_nodes"] = [[[name, 0, 0, {}]]]


# ---- memory and time ----

def limited(source, target, *options, memory=1 << 30, seconds=60):
    """The command in a process that may take that much memory and time; its exit status and message."""
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory})); "
        "from fovea_tools.commands.convert import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(source), "-o", str(target), *stated(options or (*LABELS, *RAW))], capture_output=True, text=True,
        timeout=seconds, env={"PYTHONPATH": str(REPOSITORY / "converter"), "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"},
    )
    return done.returncode, done.stderr


def with_kernel(tmp_path, make, side=3):
    layers = tiny_layers()
    layers[2]["config"].update(kernel_size=[side, side])
    source = write_h5(tmp_path / "m.h5", layers)
    with h5py.File(source, "r+") as file:
        del file["model_weights/conv/conv/kernel:0"]
        make(file, "model_weights/conv/conv/kernel:0", (side, side, 3, 4))
    return source


def test_arrays_that_are_not_all_there_are_refused(tmp_path):
    def never_written(file, name, shape):
        file.create_dataset(name, shape, "f4", chunks=(100, 100, 3, 4))

    def compressed(file, name, shape):
        file.create_dataset(name, shape, "f4", chunks=(1000, 1000, 3, 4), compression="gzip", data=np.zeros(shape, np.float32))

    source = with_kernel(tmp_path, never_written, 4700)
    assert source.stat().st_size < 50_000
    status, said = limited(source, tmp_path / "m.fovea")
    assert status == 4 and "stored" in said
    status, said = limited(with_kernel(tmp_path, compressed, 2000), tmp_path / "m.fovea")
    assert status == 4 and "compressed" in said


def test_wide_vectors_of_a_small_file_take_no_memory(tmp_path):
    layers = [layer("image", "InputLayer", batch_input_shape=[None, 30_000, 30_000, 1]), layer("flat", "Flatten", "image"),
              layer("rescaling", "Rescaling", "flat", scale=2.0), layer("end", "Softmax", "rescaling")]
    status, said = limited(write_h5(tmp_path / "m.h5", layers, {}), tmp_path / "m.fovea")
    assert status == 4 and "'rescaling'" in said


def test_constants_of_many_layers_are_counted(tmp_path):
    layers = [layer("image", "InputLayer", batch_input_shape=[None, 500, 500, 4]), layer("flat", "Flatten", "image")]
    for index in range(200):
        layers.append(layer(f"r{index}", "Rescaling", layers[-1]["name"], scale=2.0))
    layers.append(layer("end", "Softmax", layers[-1]["name"]))
    status, said = limited(write_h5(tmp_path / "m.h5", layers, {}), tmp_path / "m.fovea")
    assert status == 4 and "more weights than its file holds" in said


def test_nested_models_that_call_each_other_without_end(tmp_path):
    def doubled(depth):
        if depth == 0:
            return {"class_name": "Functional", "config": {"name": "m0", "layers": [layer("x", "InputLayer", batch_input_shape=[None, 8, 8, 3])],
                    "input_layers": [["x", 0, 0]], "output_layers": [["x", 0, 0]]}}
        inner = doubled(depth - 1)
        calls = [[["x", 0, 0, {}]]] + [[[inner["config"]["name"], index + 1, 0, {}]] for index in range(7)]
        inner["name"], inner["inbound_nodes"] = inner["config"]["name"], calls
        config = {"name": f"m{depth}", "layers": [layer("x", "InputLayer", batch_input_shape=[None, 8, 8, 3]), inner],
                  "input_layers": [["x", 0, 0]], "output_layers": [[inner["name"], 8, 0]]}
        return {"class_name": "Functional", "config": config}

    status, said = limited(write_h5(tmp_path / "m.h5", config=doubled(12)), tmp_path / "m.fovea")
    assert status == 4 and "steps" in said


def test_names_that_are_all_one_long_text(tmp_path):
    """A list of names of any length can point at one text again and again."""
    source = write_h5(tmp_path / "m.h5")
    with h5py.File(source, "r+") as file:
        kind = h5py.string_dtype()
        file["model_weights/conv"].attrs.create("weight_names", ["x" * 50_000] * 20, dtype=kind)
    assert limited(source, tmp_path / "m.fovea")[0] == 0


def test_many_layers_take_no_quadratic_time(tmp_path):
    layers = [layer("image", "InputLayer", batch_input_shape=[None, 8, 8, 3])]
    for index in range(20_000):
        layers.append(layer(f"r{index}", "Rescaling", layers[-1]["name"], scale=1.0))
    layers += [layer("pool", "GlobalAveragePooling2D", layers[-1]["name"]), layer("end", "Softmax", "pool")]
    status, said = limited(write_h5(tmp_path / "m.h5", layers, {}), tmp_path / "m.fovea", "--labels", "a,b,c", *RAW)
    assert status == 0, said


def test_archives_of_countless_members_and_golden_bombs(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for index in range(10_001):
            archive.writestr(str(index), b"")
    assert "members" in refused(tmp_path / "m.keras", tmp_path, capsys)
    with zipfile.ZipFile(tmp_path / "g.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("pixels.npy", "w") as member:
            np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": (64, 40_000, 40_000, 3)})
        with archive.open("logits.npy", "w") as member:
            np.lib.format.write_array(member, np.zeros((64, 2), np.float32))
    status, said = limited(write_h5(tmp_path / "m.h5"), tmp_path / "m.fovea", *LABELS, "--golden", str(tmp_path / "g.npz"))
    assert status == 2 and "MiB" in said


# ---- against Keras ----

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def slices(keras):
    L = keras.layers
    image = L.Input((16, 16, 3))
    x = L.Conv2D(6, 3, activation="relu")(L.Rescaling(1 / 255)(image))
    y = L.Concatenate()([x[..., ::-1], x[:, :, :, 1:3], x[:, :, :, 4:5]])
    gate = L.Dense(9, activation="sigmoid")(L.GlobalAveragePooling2D()(y))
    y = y * gate[:, None, None, :]
    z = L.GlobalMaxPooling2D(keepdims=True)(y)[:, 0, 0, :]
    return keras.Model(image, L.Dense(2, activation="softmax")(L.Concatenate()([z, z[:, ::2]])))


def preprocessed(mode):
    def make(keras):
        L = keras.layers
        image = L.Input((16, 16, 3))
        x = keras.applications.imagenet_utils.preprocess_input(image, mode=mode)
        return keras.Model(image, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(L.Conv2D(4, 3, activation="relu")(x))))
    return make


def normalised(most=255, **settings):
    def make(keras):
        L = keras.layers
        image = L.Input((16, 16, 3))
        layer = L.Normalization(**settings)
        if "mean" not in settings:
            layer.adapt(np.random.default_rng(2).uniform(0, most, (8, 16, 16, 3)).astype(np.float32))
        x = layer(image)
        return keras.Model(image, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(L.Conv2D(4, 3)(x))))
    return make


def efficient_net(keras):
    L = keras.layers
    body = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(64, 64, 3))
    body.layers[2].adapt(np.random.default_rng(2).uniform(0, 1, (8, 64, 64, 3)).astype(np.float32))
    return keras.Model(body.input, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(body.output)))


AGAINST_KERAS = {
    "slices": slices, "caffe": preprocessed("caffe"), "tf": preprocessed("tf"), "torch": preprocessed("torch"), "adapted": normalised(),
    "adapted_without_axis": normalised(axis=None), "inverted": normalised(axis=-1, mean=[1.0, 2.0, 3.0], variance=[0.1, 0.2, 0.3], invert=True),
    "efficient_net": efficient_net, "adapted_to_units": normalised(most=1),
}
NAMED = ("inverted", "adapted_to_units")    # refused until the pixels are named


@pytest.mark.parametrize("ending", ["h5", "keras"])
@pytest.mark.parametrize("name", AGAINST_KERAS)
def test_equals_keras(tmp_path, fovea_run, name, ending):
    keras = pytest.importorskip("tensorflow").keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    model = AGAINST_KERAS[name](keras)
    try:
        model.save(tmp_path / f"m.{ending}")
    except TypeError as error:
        assert "ellipsis" in str(error)
        pytest.skip("this Keras cannot store an ellipsis in a .keras file")
    pixels = np.random.default_rng(1).integers(0, 256, (2, *model.input_shape[1:])).astype(np.uint8)
    expected = model(pixels.astype(np.float32), training=False).numpy()
    if name in NAMED:
        assert fovea_convert(tmp_path / f"m.{ending}", tmp_path / "m.fovea", *LABELS) == 2
    convert_to_model(tmp_path / f"m.{ending}", tmp_path / "m.fovea", *LABELS, *(RAW if name in NAMED else ()))
    for picture, wanted in zip(pixels, expected):
        np.testing.assert_allclose(fovea_run(tmp_path / "m.fovea", picture)[1], wanted, atol=2e-6)
