# SPDX-License-Identifier: Apache-2.0
"""What the converter makes of layers: hand-made Keras files, no training framework needed."""
import numpy as np
import pytest
import conftest
from conftest import layer, tiny_layers, tiny_weights, write_h5, write_keras

from fovea_tools.file import pack
from fovea_tools.file.fovea_file import FILE_ACTIVATIONS, NODE_KINDS, NONE


def convert_to_model(source, target, *options):
    """Most networks here begin with the layer that is looked at, and rescale nothing."""
    options = options or ("--labels", "no_dr,dr")
    return conftest.convert_to_model(source, target, *options, "--preprocess-input", "none")


def kinds(model):
    return [NODE_KINDS[node.kind] for node in model.nodes]


def activation(node):
    return FILE_ACTIVATIONS[node.activation]


def vector(model, index):
    tensor = model.tensors[index]
    return np.frombuffer(tensor.data, "<f4")[: tensor.dimensions[0]]


def panels(model, node):
    tensor = model.tensors[node.weights]
    return pack.unpack_conv_panels(pack.stored_values(tensor), tensor.dimensions, max(node.groups, 1))


def convolution(name, source, **settings):
    defaults = dict(filters=4, kernel_size=[3, 3], strides=[1, 1], padding="same", data_format="channels_last",
                    dilation_rate=[1, 1], groups=1, activation="linear", use_bias=False)
    return layer(name, "Conv2D", source, **{**defaults, **settings})


def between(*entries, weights=None, shape=(8, 8, 4)):
    """(layers, weights): the entries between an input called x and a pooled softmax; the last entry is read."""
    layers = [layer("x", "InputLayer", batch_input_shape=[None, *shape]), *entries]
    layers.append(layer("pool", "GlobalAveragePooling2D", entries[-1]["name"], keepdims=False))
    layers.append(layer("end", "Activation", "pool", activation="softmax"))
    return layers, weights or {}


def convert(tmp_path, layers, weights, *options, version="2.15.0", labels="a,b,c,d"):
    write_h5(tmp_path / "m.h5", layers, weights, version=version)
    return convert_to_model(tmp_path / "m.h5", tmp_path / "m.fovea", "--labels", labels, *options)


def test_batch_normalisation_folds_in_double(tmp_path):
    model = convert_to_model(write_h5(tmp_path / "m.h5"), tmp_path / "m.fovea")
    assert kinds(model) == ["affine", "convolution", "global_pool", "dense", "softmax"]
    weights = {k: {n: np.float32(v).astype(np.float64) for n, v in w.items()} for k, w in tiny_weights().items()}
    bn = weights["bn"]
    scale = bn["gamma"] / np.sqrt(bn["moving_variance"] + 0.001)
    node = model.nodes[1]
    np.testing.assert_array_equal(panels(model, node), (weights["conv"]["kernel"] * scale).astype(np.float32))
    np.testing.assert_array_equal(vector(model, node.bias), (bn["beta"] - bn["moving_mean"] * scale).astype(np.float32))
    assert activation(node) == "relu" and node.padding == (0, 0, 1, 1) and node.padding_mode == 0
    assert dict(model.names) == {"rescaling": 0, "relu": 1, "pool": 2, "dense": 4}
    assert (model.logits, model.probabilities) == (4, 5)


def test_keep_layers_keeps_them(tmp_path):
    write_h5(tmp_path / "m.h5")
    model = convert_to_model(tmp_path / "m.h5", tmp_path / "m.fovea", "--labels", "no_dr,dr", "--keep-layers")
    assert kinds(model) == ["affine", "convolution", "affine", "activation", "global_pool", "dense", "softmax"]
    assert [name for name, _ in model.names] == ["rescaling", "conv", "bn", "relu", "pool", "dense"]


def test_normalisation_read_by_two_is_not_folded(tmp_path):
    layers, weights = tiny_layers(), tiny_weights()
    layers[4] = layer("relu", "Add", "bn", "conv")
    model = convert(tmp_path, layers, weights, labels="no_dr,dr")
    assert kinds(model) == ["affine", "convolution", "affine", "add", "global_pool", "dense", "softmax"]


def test_rescalings_are_composed_and_a_narrow_range_warned_of(tmp_path, capsys):
    layers = tiny_layers()
    layers[1] = layer("first", "Rescaling", "image", scale=1 / 255, offset=0.0)
    layers.insert(2, layer("rescaling", "Rescaling", "first", scale=1 / 127.5, offset=-1.0))
    model = convert(tmp_path, layers, tiny_weights(), labels="no_dr,dr")
    node = model.nodes[0]
    np.testing.assert_array_equal(vector(model, node.weights), np.float32([1 / 255 / 127.5] * 3))
    np.testing.assert_array_equal(vector(model, node.bias), np.float32([-1] * 3))
    assert kinds(model).count("affine") == 1 and dict(model.names)["rescaling"] == 0
    assert "very narrow range" in capsys.readouterr().err


@pytest.mark.parametrize("scale", [1 / 127.5, 1 / 10])
def test_an_unusually_wide_range_that_is_meant_is_warned_of(tmp_path, capsys, scale):
    layers = tiny_layers()
    layers[1]["config"]["scale"] = scale
    convert(tmp_path, layers, tiny_weights(), labels="no_dr,dr")
    assert ("unusually wide range" in capsys.readouterr().err) == (scale > 0.1 - 1e-9)


def hard_sigmoid_entries(source, scale_last=1 / 6, constant_first=False):
    """relu6(x + 3) * (1/6) as Keras 2 spells it: functions of TensorFlow on tensors."""
    def function(name, of, call, value):
        node = [of, 0, 0, {"y": value, "name": None}]
        if constant_first:
            node = ["_CONSTANT_VALUE", -1, value, {"y": [of, 0, 0], "name": None}]
        return {"class_name": "TFOpLambda", "name": name, "inbound_nodes": [node],
                "config": {"name": name, "trainable": True, "function": call}}

    return [
        function("plus", source, "__operators__.add", 3.0),
        layer("limit", "ReLU", "plus", max_value=6.0, negative_slope=0.0, threshold=0.0),
        function("sixth", "limit", "math.multiply", scale_last),
    ]


@pytest.mark.parametrize("order", [("conv", "sixth"), ("sixth", "conv")])
@pytest.mark.parametrize("constant_first", [False, True])
def test_hard_swish_is_recognised(tmp_path, order, constant_first):
    weights = {"conv": {"kernel": np.ones((3, 3, 4, 4))}}
    entries = [convolution("conv", "x"), *hard_sigmoid_entries("conv", constant_first=constant_first)]
    layers, weights = between(*entries, layer("swish", "Multiply", *order), weights=weights)
    model = convert(tmp_path, layers, weights)
    assert kinds(model) == ["convolution", "global_pool", "softmax"]
    assert activation(model.nodes[0]) == "hard_swish"
    assert [name for name, node in model.names if node == 0] == ["swish"]


def test_gate_of_another_tensor_is_no_hard_swish(tmp_path):
    weights = {name: {"kernel": np.ones((3, 3, 4, 4))} for name in ("conv", "other")}
    entries = [convolution("conv", "x"), convolution("other", "x"), *hard_sigmoid_entries("other")]
    layers, weights = between(*entries, layer("gated", "Multiply", "conv", "sixth"), weights=weights)
    model = convert(tmp_path, layers, weights)
    assert kinds(model) == ["convolution", "convolution", "multiply", "global_pool", "softmax"]
    assert [activation(node) for node in model.nodes[:3]] == ["none", "hard_sigmoid", "none"]


def test_other_factor_is_no_hard_sigmoid(tmp_path):
    layers, weights = between(*hard_sigmoid_entries("x", scale_last=1 / 5))
    model = convert(tmp_path, layers, weights)
    assert kinds(model) == ["affine", "affine", "global_pool", "softmax"] and activation(model.nodes[0]) == "relu6"


@pytest.mark.parametrize("version,expected", [("2.15.0", "hard_sigmoid_keras2"), ("3.0.5", "hard_sigmoid")])
def test_hard_sigmoid_by_name_depends_on_the_keras_version(tmp_path, version, expected):
    layers, weights = between(layer("gate", "Activation", "x", activation="hard_sigmoid"))
    model = convert(tmp_path, layers, weights, version=version)
    assert activation(model.nodes[0]) == expected


@pytest.mark.parametrize("name,expected", [
    ("relu", "relu"), ("relu6", "relu6"), ("sigmoid", "sigmoid"), ("swish", "swish"), ("silu", "swish"), ("hard_silu", "hard_swish"),
    ("tanh", "tanh"), ("gelu", "gelu"), ("softplus", "softplus"), ("elu", "elu"),
])
def test_activation_strings(tmp_path, name, expected):
    layers, weights = between(layer("f", "Activation", "x", activation=name))
    assert activation(convert(tmp_path, layers, weights).nodes[0]) == expected


def test_slope_and_alpha_are_kept(tmp_path):
    layers, weights = between(layer("a", "LeakyReLU", "x", alpha=0.25), layer("b", "ELU", "a", alpha=0.75))
    model = convert(tmp_path, layers, weights)
    assert [(activation(n), n.parameter) for n in model.nodes[:2]] == [("leaky_relu", 0.25), ("elu", 0.75)]


@pytest.mark.parametrize("size,stride,kernel,padding", [
    (8, 2, 3, (0, 0, 1, 1)), (7, 2, 3, (1, 1, 1, 1)), (8, 2, 5, (1, 1, 2, 2)), (8, 1, 3, (1, 1, 1, 1)), (8, 1, 4, (1, 1, 2, 2)),
    (8, 3, 1, (0, 0, 0, 0)),
])
def test_same_becomes_numbers_where_the_size_is_known(tmp_path, size, stride, kernel, padding):
    weights = {"conv": {"kernel": np.ones((kernel, kernel, 4, 4))}}
    entry = convolution("conv", "x", kernel_size=[kernel, kernel], strides=[stride, stride])
    layers, weights = between(entry, weights=weights, shape=(size, size, 4))
    node = convert(tmp_path, layers, weights).nodes[0]
    assert (node.padding_mode, node.padding) == (0, padding)


@pytest.mark.parametrize("stride,mode,padding", [(1, 0, (1, 1, 1, 1)), (2, 1, (0, 0, 0, 0))])
def test_same_is_left_to_the_engine_only_where_it_must_be(tmp_path, stride, mode, padding):
    weights = {"conv": {"kernel": np.ones((3, 3, 4, 4))}}
    layers, weights = between(convolution("conv", "x", strides=[stride, stride]), weights=weights, shape=(None, None, 4))
    model = convert(tmp_path, layers, weights, "--input-size", "96x128")
    assert (model.nodes[0].padding_mode, model.nodes[0].padding) == (mode, padding)
    assert model.input_size == (0, 0, 4) and model.default_size == (96, 128)


def test_padding_layer_joins_the_convolution_with_the_numbers_of_the_file(tmp_path):
    weights = {"conv": {"kernel": np.ones((3, 3, 4, 4))}}
    pad = layer("pad", "ZeroPadding2D", "x", padding=[[0, 1], [2, 3]], data_format="channels_last")
    layers, weights = between(pad, convolution("conv", "pad", padding="valid", strides=[2, 2]), weights=weights)
    model = convert(tmp_path, layers, weights)
    assert kinds(model)[0] == "convolution" and model.nodes[0].padding == (0, 2, 1, 3)
    both = layer("both", "Concatenate", "conv", "conv2", axis=-1)
    weights["conv2"] = weights["conv"]
    entries = [pad, *(convolution(name, "pad", padding="valid") for name in ("conv", "conv2")), both]
    layers, weights = between(*entries, weights=weights)
    model = convert(tmp_path, layers, weights, labels=",".join("abcdefgh"))
    assert kinds(model)[:4] == ["pad", "convolution", "convolution", "concat"]


def test_depthwise_and_groups(tmp_path):
    random = np.random.default_rng(1)
    arrays = {"one": random.normal(size=(3, 3, 4, 1)), "two": random.normal(size=(3, 3, 4, 2))}
    weights = {name: {"depthwise_kernel": values} for name, values in arrays.items()}
    settings = dict(kernel_size=[3, 3], strides=[1, 1], padding="same", dilation_rate=[1, 1], activation="linear", use_bias=False)
    entries = [
        layer("one", "DepthwiseConv2D", "x", depth_multiplier=1, **settings),
        layer("two", "DepthwiseConv2D", "one", depth_multiplier=2, **settings),
    ]
    layers, weights = between(*entries, weights=weights)
    model = convert(tmp_path, layers, weights, labels=",".join("abcdefgh"))
    assert kinds(model)[:2] == ["depthwise", "convolution"] and model.nodes[1].groups == 4
    tensor = model.tensors[model.nodes[0].weights]
    stored = np.frombuffer(tensor.data, "<f4").reshape(3, 3, 8)
    np.testing.assert_array_equal(stored[..., :4], arrays["one"][..., 0].astype(np.float32))
    assert not stored[..., 4:].any()
    np.testing.assert_array_equal(panels(model, model.nodes[1]), arrays["two"].reshape(3, 3, 1, 8).astype(np.float32))


def test_convolution_on_a_single_pixel_is_dense(tmp_path):
    weights = {"squeeze": {"kernel": np.ones((1, 1, 4, 2)), "bias": np.zeros(2)}, "excite": {"kernel": np.ones((1, 1, 2, 4)), "bias": np.zeros(4)}}
    entries = [
        layer("mean", "GlobalAveragePooling2D", "x", keepdims=True),
        convolution("squeeze", "mean", filters=2, kernel_size=[1, 1], activation="relu", use_bias=True),
        convolution("excite", "squeeze", kernel_size=[1, 1], activation="sigmoid", use_bias=True),
        layer("gate", "Multiply", "excite", "x"),
    ]
    layers, weights = between(*entries, weights=weights)
    model = convert(tmp_path, layers, weights)
    assert kinds(model)[:4] == ["global_pool", "dense", "dense", "multiply"]
    assert model.nodes[3].operands == [0, 3]  # the map first, the vector second
    assert [activation(node) for node in model.nodes[1:3]] == ["relu", "sigmoid"]


def shared_layers():
    """One dense layer on the mean and on the maximum of the map, as in channel attention."""
    layers = [
        layer("x", "InputLayer", batch_input_shape=[None, 8, 8, 4]),
        layer("mean", "AveragePooling2D", "x", pool_size=[8, 8], strides=[8, 8], padding="valid"),
        layer("top", "MaxPooling2D", "x", pool_size=[8, 8], strides=None, padding="valid"),
        layer("flatten", "Flatten"),
        layer("shared", "Dense", units=4, activation="relu", use_bias=True),
        layer("sum", "Add"),
        layer("end", "Activation", "sum", activation="softmax"),
    ]
    layers[3]["inbound_nodes"] = [[["mean", 0, 0, {}]], [["top", 0, 0, {}]]]
    layers[4]["inbound_nodes"] = [[["flatten", 0, 0, {}]], [["flatten", 1, 0, {}]]]
    layers[5]["inbound_nodes"] = [[["shared", 0, 0, {}], ["shared", 1, 0, {}]]]
    return layers, {"shared": {"kernel": np.arange(16).reshape(4, 4), "bias": np.ones(4)}}


def test_shared_layer_is_stored_once_and_named_by_call(tmp_path):
    model = convert(tmp_path, *shared_layers())
    assert kinds(model) == ["pool", "pool", "dense", "dense", "add", "softmax"]
    assert [node.variant for node in model.nodes[:2]] == [0, 1]
    assert model.nodes[0].kernel == model.nodes[0].strides == model.nodes[1].strides == (8, 8)
    first, second = model.nodes[2:4]
    assert (first.weights, first.bias) == (second.weights, second.bias) and len(model.tensors) == 2
    assert dict(model.names) == {
        "mean": 0, "flatten #0": 0, "top": 1, "flatten #1": 1, "shared #0": 2, "shared #1": 3, "sum": 4, "end": 5,
    }


def nested(entries, outer_call):
    """A nested model of the entries (first an input), called by a reference to node outer_call."""
    inner = {
        "class_name": "Functional", "name": "backbone",
        "config": {"name": "backbone", "layers": entries, "input_layers": [[entries[0]["name"], 0, 0]],
                   "output_layers": [[entries[-1]["name"], 0, 0]]},
        "inbound_nodes": [[["x", 0, 0, {}]]],
    }
    after = layer("pool", "GlobalAveragePooling2D", "backbone", keepdims=False)
    after["inbound_nodes"][0][0][1] = outer_call
    return [layer("x", "InputLayer", batch_input_shape=[None, 8, 8, 4]), inner, after, layer("end", "Activation", "pool", activation="softmax")]


@pytest.mark.parametrize("outer_call", [0, 1])
def test_nested_model_is_opened(tmp_path, outer_call):
    entries = [
        layer("inside", "InputLayer", batch_input_shape=[None, 8, 8, 4]),
        convolution("pool", "inside"),
        layer("pool/bn", "BatchNormalization", "pool", axis=[3], epsilon=0.1, center=False, scale=False),
    ]
    kernel = np.random.default_rng(2).normal(size=(3, 3, 4, 4))
    weights = {"backbone": {"x": np.zeros(1)}}
    layers = nested(entries, outer_call)
    write_h5(tmp_path / "m.h5", layers, weights)
    import h5py

    with h5py.File(tmp_path / "m.h5", "r+") as file:
        group = file["model_weights/backbone"]
        arrays = {"pool/kernel:0": kernel, "pool/bn/moving_mean:0": np.ones(4), "pool/bn/moving_variance:0": np.full(4, 0.9)}
        del group.attrs["weight_names"]
        # A long list is split over numbered attributes.
        names = [name.encode() for name in arrays]
        group.attrs["weight_names0"], group.attrs["weight_names1"] = names[:2], names[2:]
        for name, values in arrays.items():
            group[name] = values.astype(np.float32)
    model = convert_to_model(tmp_path / "m.h5", tmp_path / "m.fovea", "--labels", "a,b,c,d")
    assert kinds(model) == ["convolution", "global_pool", "softmax"]
    assert dict(model.names) == {"pool/bn": 0, "backbone": 0, "pool": 1, "end": 2}
    np.testing.assert_allclose(panels(model, model.nodes[0]), kernel / np.sqrt(np.float32(0.9) + 0.1), rtol=1e-6)
    np.testing.assert_allclose(vector(model, model.nodes[0].bias), -1.0, rtol=1e-6)


def test_equal_names_in_nested_model_are_told_apart(tmp_path):
    entries = [layer("inside", "InputLayer", batch_input_shape=[None, 8, 8, 4]), layer("pool", "ReLU", "inside", max_value=None)]
    model = convert(tmp_path, nested(entries, 1), {})
    assert dict(model.names) == {"backbone/pool": 0, "backbone": 0, "pool": 1, "end": 2}


def test_counters_of_keras_paths_may_skip(tmp_path):
    """Keras 2.13 counts layers with weights twice: conv2d, conv2d_2, ...; the order is what counts."""
    import io
    import h5py

    first, second = (np.random.default_rng(seed).normal(size=(3, 3, 4, 4)).astype(np.float32) for seed in (1, 2))
    layers, _ = between(convolution("a", "x"), convolution("b", "a"))
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file["_layer_checkpoint_dependencies/conv2d/vars/0"] = first
        file["_layer_checkpoint_dependencies/conv2d_2/vars/0"] = second
        file.create_group("_layer_checkpoint_dependencies/input_layer/vars")
    write_keras(tmp_path / "m.keras", layers, {}, "2.13.1", {"model.weights.h5": memory.getvalue()})
    model = convert_to_model(tmp_path / "m.keras", tmp_path / "m.fovea", "--labels", "a,b,c,d")
    np.testing.assert_array_equal(panels(model, model.nodes[0]), first)
    np.testing.assert_array_equal(panels(model, model.nodes[1]), second)


def test_renamed_layer_keeps_its_old_weight_names(tmp_path):
    import h5py

    source = write_h5(tmp_path / "m.h5")
    with h5py.File(source, "r+") as file:
        group = file["model_weights/dense"]
        group.attrs["weight_names"] = [b"older/kernel:0", b"older/bias:0"]
        group.move("dense", "older")
    plain = convert_to_model(write_h5(tmp_path / "plain.h5"), tmp_path / "plain.fovea")
    assert convert_to_model(source, tmp_path / "m.fovea").tensors == plain.tensors


def test_concatenation_keeps_its_order(tmp_path):
    layers, weights = between(
        layer("a", "MaxPooling2D", "x", pool_size=[1, 1], strides=[1, 1], padding="valid"),
        layer("b", "AveragePooling2D", "x", pool_size=[1, 1], strides=[1, 1], padding="valid"),
        layer("ba", "Concatenate", "b", "a", axis=-1),
    )
    model = convert(tmp_path, layers, weights, labels=",".join("abcdefgh"))
    joined = model.nodes[kinds(model).index("concat")]
    assert [model.nodes[value - 1].variant for value in joined.operands] == [0, 1]


@pytest.mark.parametrize("units,end,labels,form", [
    (2, "softmax", "no_dr,dr", 0), (1, "sigmoid", "no_dr,dr", 1), (3, "sigmoid", "a,b,c", 2), (2, "sigmoid", "no_dr,dr", 2),
])
def test_ends(tmp_path, units, end, labels, form):
    layers, weights = tiny_layers(), tiny_weights()
    layers[-1]["config"].update(units=units, activation=end)
    weights["dense"] = {"kernel": np.ones((4, units)), "bias": np.zeros(units)}
    model = convert(tmp_path, layers, weights, labels=labels)
    assert model.output_form == form and model.probabilities == model.logits + 1
    assert kinds(model)[-2:] == ["dense", "softmax" if end == "softmax" else "activation"]


def test_linear_end_needs_to_know_what_was_meant(tmp_path, capsys):
    import json
    import h5py
    from conftest import fovea_convert

    layers = tiny_layers()
    layers[-1]["config"]["activation"] = "linear"
    source = write_h5(tmp_path / "m.h5", layers)
    assert fovea_convert(source, tmp_path / "m.fovea", "--labels", "no_dr,dr") == 2
    assert "from_logits" in capsys.readouterr().err
    model = convert_to_model(source, tmp_path / "m.fovea", "--labels", "no_dr,dr", "--output-activation", "softmax")
    assert model.output_form == 0 and model.logits == model.probabilities
    with h5py.File(source, "r+") as file:
        loss = {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": True}}
        file.attrs["training_config"] = json.dumps({"loss": loss})
    assert convert_to_model(source, tmp_path / "m.fovea").output_form == 0


def test_dropout_and_noise_vanish_but_keep_their_names(tmp_path):
    layers, weights = between(
        layer("first", "ReLU", "x", max_value=None), layer("drop", "Dropout", "first", rate=0.5),
        layer("noise", "GaussianNoise", "drop", stddev=1.0), layer("flip", "RandomFlip", "noise", mode="horizontal"),
    )
    model = convert(tmp_path, layers, weights)
    assert kinds(model) == ["activation", "global_pool", "softmax"]
    assert [name for name, node in model.names if node == 0] == ["first", "drop", "noise", "flip"]
