# SPDX-License-Identifier: Apache-2.0
"""Models built on the spot with the Keras that is installed, saved, converted and (with FOVEA_BINARY) run.

Needs TensorFlow; written for Keras 2.15 and Keras 3.
"""
import os

import numpy as np
import pytest
from conftest import convert_to_model, fovea_convert

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow")
keras = tf.keras
L = keras.layers
KERAS3 = not hasattr(keras, "__internal__") and int(__import__("keras").__version__.split(".")[0]) >= 3
SIDE = 64


def mean_of_channels(x):
    return __import__("keras").ops.mean(x, axis=-1, keepdims=True) if KERAS3 else tf.reduce_mean(x, axis=-1, keepdims=True)


def max_of_channels(x):
    return __import__("keras").ops.max(x, axis=-1, keepdims=True) if KERAS3 else tf.reduce_max(x, axis=-1, keepdims=True)


def attention(x, gate="sigmoid", squeeze="relu"):
    """Channel and spatial attention with a shared perceptron; any input size."""
    channels = x.shape[-1]
    flat, small, wide = L.Flatten(), L.Dense(channels // 4, activation=squeeze), L.Dense(channels)
    sums = [wide(small(flat(pool(keepdims=True)(x)))) for pool in (L.GlobalAveragePooling2D, L.GlobalMaxPooling2D)]
    y = L.Multiply()([L.Activation(gate)(L.Add()(sums)), x])
    spatial = L.Conv2D(1, 7, padding="same", activation="sigmoid")(L.Concatenate()([mean_of_channels(y), max_of_channels(y)]))
    return L.Add()([L.Multiply()([spatial, y]), x])


def mobile(architecture="Small", shape=(SIDE, SIDE, 3), outer=True, inner=False, flat=False, head=True, classes=2, end="softmax",
           gate="sigmoid", squeeze="relu", hidden="relu", until=None, **settings):
    """MobileNetV3 with an attention head, as the recipe builds it, and its relatives. until: the layer that ends the backbone, where
    what is tried comes behind it; most of a test's time is that of building and saving the network."""
    maker = getattr(keras.applications, f"MobileNetV3{architecture}")
    settings = dict(include_top=False, weights=None, alpha=0.25, include_preprocessing=inner, **settings)
    image = L.Input(shape)
    x = L.Rescaling(1 / 127.5, offset=-1.0)(image) if outer else image
    backbone = maker(**({"input_tensor": x} if flat else {"input_shape": shape}), **settings)
    if until:
        backbone = keras.Model(backbone.input, backbone.get_layer(until).output, name=backbone.name)
    x = backbone.output if flat else backbone(x)
    x = attention(x, gate, squeeze) if head else x
    x = L.Dropout(0.2)(L.GlobalAveragePooling2D()(x))
    x = L.Dense(16, activation=hidden)(x)
    return keras.Model(image, L.Dense(classes, activation=end)(x))


def sequential():
    return keras.Sequential([
        L.InputLayer((SIDE, SIDE, 3)), L.Rescaling(1 / 255), L.RandomFlip(),
        keras.Sequential([L.Conv2D(8, 3, strides=2, activation="relu"), L.BatchNormalization(), L.MaxPooling2D()], name="block"),
        L.Flatten(), L.Dense(12, activation="elu"), L.Dense(3, activation="softmax"),
    ])


def many_layers():
    """A layer of every kind that the file format can express."""
    image = L.Input((33, 40, 3))
    x = L.Rescaling([1 / 127.5, 1 / 120, 1 / 130], offset=[-1.0, -0.9, -1.1])(image)
    x = L.Conv2D(12, (3, 5), strides=2, padding="same")(x)
    x = L.LeakyReLU(0.1)(L.BatchNormalization(scale=False)(x))
    a = L.ReLU(6.0)(L.BatchNormalization(center=False)(L.Conv2D(16, 3, groups=4, padding="same", use_bias=False)(x)))
    b = L.ELU(0.5)(L.Conv2D(16, 3, dilation_rate=2, padding="same")(x))
    x = L.Concatenate()([b, a, x])
    x = L.Activation("swish")(L.BatchNormalization()(x))
    x = L.BatchNormalization()(L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="tanh")(x))
    x = L.MaxPooling2D(3, strides=2, padding="same")(L.ZeroPadding2D(((1, 0), (2, 1)))(x))
    x = L.SeparableConv2D(10, 3, activation="gelu")(L.Activation("softplus")(x))
    x = L.Conv2D(10, 3, strides=1)(L.ZeroPadding2D(((2, 0), (0, 1)))(x))
    x = L.AveragePooling2D(2, strides=1, padding="same")(L.SpatialDropout2D(0.3)(x))
    pixelwise = L.Dense(10, activation="relu")(x)
    gate = L.Dense(10, activation="sigmoid")(L.GlobalMaxPooling2D()(x))
    x = L.Add()([L.Multiply()([gate, x]), x, pixelwise])
    x = L.Subtract()([x, L.AveragePooling2D(1)(pixelwise)])
    x = L.Reshape((-1,))(L.MaxPooling2D(2)(x))
    return keras.Model(image, L.Softmax()(L.Dense(4)(L.BatchNormalization()(x))))


def functions_of_tensors():
    """Arithmetic with operators and functions instead of layers."""
    image = L.Input((20, 24, 3))
    x = L.Conv2D(8, 3)((image - 127.5) / 127.5)
    x = x * L.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)
    y = L.Conv2D(8, 1)(x)
    x = 2.0 * x + y - 0.25
    x = (1.0 - x) * keras.activations.sigmoid(x)
    x = L.Conv2D(8, 1, activation="hard_sigmoid")(x)
    x = x + keras.activations.relu(y, max_value=6)
    return keras.Model(image, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def shared_backbone():
    """One nested model called twice."""
    inner_image = L.Input((12, 12, 3))
    inner = keras.Model(inner_image, L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="relu")(inner_image)), name="tower")
    image = L.Input((12, 12, 3))
    both = L.Concatenate()([inner(L.Rescaling(1 / 255)(image)), inner(L.Rescaling(-1 / 255, offset=1.0)(image))])
    return keras.Model(image, L.Dense(2, activation="softmax")(both))


BLOCKS_OF_TWO_KINDS = "expanded_conv_2/Add" if not KERAS3 else "expanded_conv_2_add"  # with squeeze and excitation, and without

ZOO = {
    "small": lambda: mobile(),
    "large_other_shape": lambda: mobile("Large", (64, 96, 3)),
    "any_size": lambda: mobile(shape=(None, None, 3)),
    "flat": lambda: mobile(flat=True),
    "minimalistic": lambda: mobile(minimalistic=True),
    "no_head": lambda: mobile(head=False),
    "linear_dense_layers": lambda: mobile(hidden=None, squeeze=None, until=BLOCKS_OF_TWO_KINDS),
    "inner_rescaling": lambda: mobile(outer=False, inner=True),
    "two_rescalings": lambda: mobile(outer=True, inner=True, head=False),
    "one_sigmoid": lambda: mobile(classes=1, end="sigmoid", until=BLOCKS_OF_TWO_KINDS),
    "sigmoids": lambda: mobile(classes=2, end="sigmoid", until=BLOCKS_OF_TWO_KINDS),
    "hard_sigmoid_gate": lambda: mobile(gate="hard_sigmoid", until=BLOCKS_OF_TWO_KINDS),
    "five_classes": lambda: mobile(classes=5, until=BLOCKS_OF_TWO_KINDS),
    "sequential": sequential,
    "many_layers": many_layers,
    "functions_of_tensors": functions_of_tensors,
    "shared_backbone": shared_backbone,
}


def randomise(model, seed=3):
    """Weights with a spread, biases and normalisation statistics that are not 0 and 1."""
    random = np.random.default_rng(seed)
    values = []
    for weight in model.weights:
        name = weight.path if KERAS3 else weight.name
        shape = tuple(weight.shape)
        if "variance" in name or "gamma" in name:
            values.append(random.uniform(0.5, 2.0, shape))
        elif "seed" in name or not shape:
            values.append(np.asarray(weight))
        elif len(shape) == 1:
            values.append(random.normal(0, 0.3, shape))
        else:
            fan = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
            values.append(random.normal(0, np.sqrt(2 / fan), shape))
    model.set_weights(values)


@pytest.fixture(scope="module", params=ZOO)
def saved(request, tmp_path_factory):
    """(file endings -> paths, pictures, what Keras gives, names for --labels)"""
    keras.backend.clear_session()
    model = ZOO[request.param]()
    randomise(model)
    folder = tmp_path_factory.mktemp(request.param)
    # Keras 3 cannot write every nested model as .h5.
    paths = [folder / "model.keras"] + ([] if KERAS3 else [folder / "model.h5"])
    for path in paths:
        model.save(path)
    shape = [side or other for side, other in zip(model.input_shape[1:], (70, 50, 3))]
    pictures = np.random.default_rng(7).integers(0, 256, (2, *shape)).astype(np.uint8)
    outputs = np.asarray(model(pictures.astype(np.float32), training=False))
    assert np.isfinite(outputs).all()
    labels = "no_dr,dr" if outputs.shape[1] < 3 else ",".join(f"c{i}" for i in range(outputs.shape[1]))
    return paths, pictures, outputs, labels


def test_every_file_kind_gives_the_same_network(saved, tmp_path):
    paths, _, _, labels = saved
    models = [convert_to_model(path, tmp_path / "m.fovea", "--labels", labels) for path in paths]
    for other in models[1:]:
        assert (models[0].nodes, models[0].tensors, models[0].names) == (other.nodes, other.tensors, other.names)


@pytest.mark.parametrize("layers", [(), ("--keep-layers",)], ids=["folded", "layers"])
def test_engine_gives_what_keras_gives(saved, tmp_path, fovea_run, layers):
    paths, pictures, outputs, labels = saved
    convert_to_model(paths[0], tmp_path / "m.fovea", "--labels", labels, *layers)
    for picture, expected in zip(pictures, outputs):
        _, probabilities = fovea_run(tmp_path / "m.fovea", picture)
        got = probabilities[1:] if expected.size == 1 else probabilities
        # Random networks amplify rounding; a wrong pad, order or activation shows at 1e-2.
        np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("loss,classes,form", [
    ("CategoricalCrossentropy", 2, 0), ("SparseCategoricalCrossentropy", 3, 0), ("BinaryCrossentropy", 1, 1),
])
@pytest.mark.parametrize("ending", ["keras"] if KERAS3 else ["keras", "h5"])
def test_linear_end_by_the_loss(tmp_path, loss, classes, form, ending):
    image = L.Input((8, 8, 3))
    model = keras.Model(image, L.Dense(classes)(L.GlobalAveragePooling2D()(L.Rescaling(1 / 255)(image))))
    model.compile("adam", loss=getattr(keras.losses, loss)(from_logits=True), metrics=["accuracy"])
    # With the optimizer's own variables in the file.
    model.fit(np.zeros((4, 8, 8, 3)), np.zeros((4, 1 if classes != 2 else 2)), verbose=0)
    model.save(tmp_path / f"m.{ending}")
    labels = "no_dr,dr" if classes < 3 else "a,b,c"
    assert convert_to_model(tmp_path / f"m.{ending}", tmp_path / "m.fovea", "--labels", labels).output_form == form


@pytest.mark.parametrize("make,word", [
    (lambda: L.LayerNormalization(name="culprit"), "'culprit'"), (lambda: L.Conv2DTranspose(4, 3, name="culprit"), "'culprit'"),
    (lambda: L.Lambda(lambda x: x * 2, name="culprit"), "Python code"), (lambda: L.UpSampling2D(name="culprit"), "'culprit'"),
    (lambda: L.PReLU(name="culprit"), "'culprit'"), (lambda: L.Activation("selu", name="culprit"), "selu"),
])
def test_unsupported_layers_are_named(tmp_path, capsys, make, word):
    image = L.Input((8, 8, 3))
    model = keras.Model(image, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(make()(image))))
    model.save(tmp_path / "m.keras")
    assert fovea_convert(tmp_path / "m.keras", tmp_path / "m.fovea", "--labels", "no_dr,dr") == 4
    said = capsys.readouterr().err
    assert word in said and "culprit" in said


def test_weights_alone_are_refused(tmp_path, capsys):
    image = L.Input((8, 8, 3))
    model = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(image)))
    model.save_weights(tmp_path / "m.weights.h5")
    assert fovea_convert(tmp_path / "m.weights.h5", tmp_path / "m.fovea", "--labels", "no_dr,dr") == 4
    assert "without the network's structure" in capsys.readouterr().err
