# SPDX-License-Identifier: Apache-2.0
"""The network: a Keras MobileNetV3 backbone, a CBAM head, a small classifier.

Layer names and sizes are those of the published detector that this project runs, so a file trained here
and a file trained there go through the converter in the same way.
"""
import zipfile

import tensorflow as tf

layers = tf.keras.layers

REDUCTION = 4  # of the channel gate's hidden layer


def _cbam(features):
    """Channel gate, then spatial gate (Woo et al. 2018, arXiv:1807.06521), plus a residual connection."""
    height, width, channels = features.shape[1:]
    flatten = layers.Flatten(name="flatten")
    squeeze = layers.Dense(channels // REDUCTION, activation="relu", name="mlp_0_squeeze")
    excite = layers.Dense(channels, name="mlp_1")
    if height is None:
        average = layers.GlobalAveragePooling2D(keepdims=True, name="average_pooling2d")(features)
        maximum = layers.GlobalMaxPooling2D(keepdims=True, name="max_pooling2d")(features)
    else:
        average = layers.AveragePooling2D((height, width), name="average_pooling2d")(features)
        maximum = layers.MaxPooling2D((height, width), name="max_pooling2d")(features)
    gate = layers.Add(name="max_pool_add_avg_pool")(
        [excite(squeeze(flatten(average))), excite(squeeze(flatten(maximum)))])
    gate = layers.Activation("sigmoid", name="sigmoid_channel")(gate)
    refined = layers.Multiply()([gate, features])
    # Mean first, then maximum: the order is part of the trained file.
    maps = layers.Concatenate(axis=-1, name="combine_max_avg")(
        [tf.reduce_mean(refined, axis=-1, keepdims=True), tf.reduce_max(refined, axis=-1, keepdims=True)])
    gate = layers.Conv2D(1, 7, padding="same", name="conv2d")(maps)
    gate = layers.Activation("sigmoid", name="sigmoid_spatial")(gate)
    refined = layers.Multiply()([gate, refined])
    return layers.Add(name="final_sum_att_feat")([refined, features])


def build(architecture, size, classes=2, alpha=1.0):
    """A tf.keras.Model from RGB pixels 0..255, (N, size, size, 3) float32, to softmax probabilities (N, classes).

    architecture: "small" (1,142,885 parameters) or "large" (3,520,085), at alpha 1 and two classes. size None: a model
    with the same weights in the same order for pictures of any side that 32 divides, as training needs it.
    """
    backbones = {"small": tf.keras.applications.MobileNetV3Small, "large": tf.keras.applications.MobileNetV3Large}
    if architecture not in backbones:
        raise ValueError(f"architecture '{architecture}': known are {', '.join(sorted(backbones))}")
    # Keras numbers its unnamed layers from what was built before; a clean start keeps the names the same. (Its clear_session does
    # more than that and cannot be used within a strategy of tf.distribute.)
    tf.keras.backend.reset_uids()
    pixels = layers.Input((size, size, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(pixels)
    x = backbones[architecture](input_shape=(size, size, 3), alpha=alpha, include_top=False, weights=None,
                                include_preprocessing=False)(x)
    x = _cbam(x)
    x = layers.GlobalAveragePooling2D(name="top_pool")(x)
    x = layers.Flatten(name="flatten_1")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(64, activation="relu", name="dense")(x)
    x = layers.Dense(classes, activation="softmax", name="dense_1")(x)
    return tf.keras.Model(pixels, x)


class TeacherError(Exception):
    pass


def of_settings(settings, size):
    """The network that the settings name, for pictures of side `size`, or of any side (None)."""
    return build(settings["network"]["architecture"], size, len(settings["labels"]), settings["network"]["alpha"])


def teacher(weights, classes=2, strategy=None):
    """A Large with these weights (of build's model) for pictures of any side, on the devices of tf.distribute's strategy."""
    with (strategy or tf.distribute.get_strategy()).scope():
        model = build("large", None, classes)
        model.set_weights(weights)
    return model


def load_teacher(path, classes=2, strategy=None):
    """The teacher that a trained Large model of this recipe (.keras) makes."""
    try:
        return teacher(tf.keras.models.load_model(path, compile=False).get_weights(), classes, strategy)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise TeacherError(f"{path}: no Large network of this recipe: {str(error).splitlines()[0]}") from error


def leaf_layers(model):
    """All layers in order, nested models opened up."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.Model):
            yield from leaf_layers(layer)
        else:
            yield layer


def backbone(model):
    """The MobileNetV3 inside."""
    return next(layer for layer in model.layers if isinstance(layer, tf.keras.Model))


def feature_model(model):
    """From pixels to the pooled features, which are what the Dropout layer takes in."""
    return tf.keras.Model(model.input, model.get_layer("dropout").input)


def feature_parts(model, blocks):
    """feature_model in two: (the stem and the first `blocks` blocks, the rest), which share the model's weights."""
    body = backbone(model)
    middle = body.get_layer(f"expanded_conv_{blocks}/expand").input
    early, late = tf.keras.Model(body.input, middle), tf.keras.Model(middle, body.output)
    head = tf.keras.Model(model.get_layer("final_sum_att_feat").input[1], model.get_layer("dropout").input)
    pixels, features = tf.keras.Input(model.input.shape[1:]), tf.keras.Input(middle.shape[1:])
    return tf.keras.Model(pixels, early(model.get_layer("rescaling")(pixels))), tf.keras.Model(features, head(late(features)))


def stride_16_features(model):
    """The tensor (N, S/16, S/16, C) inside the backbone before the last halving."""
    body = backbone(model)
    last_halving = next(layer for layer in reversed(body.layers) if getattr(layer, "strides", (1, 1)) == (2, 2))
    expand = last_halving.name.removesuffix("/depthwise") + "/expand"
    return body.get_layer(expand).input


def classify(model, features):
    """(embedding (N, 64), logits (N, classes)) of pooled features (N, C): the layers after Dropout."""
    embedding = model.get_layer("dense")(features)
    last = model.get_layer("dense_1")
    return embedding, tf.matmul(embedding, last.kernel) + last.bias


def centre_logits(model):
    """Takes the classes' mean off the last layer: every probability stays, and the logits' sum is 0. A softmax leaves that sum free, and
    training may drive it to hundreds, which costs precision in floats and range in codes."""
    last = model.get_layer("dense_1")
    last.set_weights([value - value.mean(axis=-1, keepdims=True) for value in last.get_weights()])


def forward(model):
    """A function from float32 pictures (N, H, W, 3), 0..255, to logits (N, classes), in inference mode; traced once."""
    features = feature_model(model)

    @tf.function(input_signature=[tf.TensorSpec(model.input.shape, tf.float32)])
    def run(x):
        return classify(model, features(x, training=False))[1]

    return run


def logits_of(model, pixels, batch=64, run=None):
    """Logits (N, classes) float32 of pictures (N, H, W, 3). run: forward(model), where it is there already."""
    run = run or forward(model)
    return tf.concat([run(tf.cast(pixels[i:i + batch], tf.float32)) for i in range(0, len(pixels), batch)], 0).numpy()
