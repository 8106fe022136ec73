# SPDX-License-Identifier: Apache-2.0
"""Makes model.tflite of 8 bits from a float model.keras with TensorFlow's converter. usage: quantize_litert.py FLOAT CALIBRATION FOLDER

Run with the recipe's Python. The converter makes one operation of x * relu6(x + 3) / 6, in the orders of it that it knows, for which LiteRT has no
fast kernel of 8 bits: each makes the network leave XNNPACK. So hard-swish is written in another order first. And where the few values between the two
layers of a squeeze and excite are 0 for all pictures, so would be their scale, which XNNPACK refuses (2.3.0 then crashes): one of them becomes 1, which
nothing reads.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import random_network  # noqa: E402
from calibration_pictures import pictures  # noqa: E402


def in_another_order(floats):
    """The Keras model with hard-swish in parts that stay parts."""
    import tensorflow as tf
    from keras.src.applications import mobilenet_v3

    sys.path.insert(0, str(random_network.ROOT / "models"))
    from recipe import network

    trained = tf.keras.models.load_model(floats / "model.keras", compile=False)
    mobilenet_v3.hard_swish = lambda x: tf.nn.relu6(x + 3.0) * (x * (1.0 / 6.0))
    architecture = "small" if network.backbone(trained).name == "MobilenetV3small" else "large"
    model = network.build(architecture, trained.input_shape[1])
    model.set_weights(trained.get_weights())
    return model


def revive(model, calibration):
    """Gives squeezed vectors that are 0 for every picture a range, in place; the network's answers for these stay."""
    import tensorflow as tf
    from recipe import network

    body = network.backbone(model)
    names = [layer.name.removesuffix("/Conv") for layer in body.layers if layer.name.endswith("/squeeze_excite/Conv")]
    squeezed = tf.keras.Model(body.input, [body.get_layer(f"{name}/Relu").output for name in names])
    greatest = [0.0] * len(names)
    for picture in pictures(calibration):
        values = squeezed(picture.astype("float32") / 127.5 - 1, training=False)
        greatest = [max(most, float(tf.reduce_max(value))) for most, value in zip(greatest, values)]
    for name, most in zip(names, greatest):
        if most == 0:
            first, second = body.get_layer(f"{name}/Conv"), body.get_layer(f"{name}/Conv_1")
            (kernel, bias), (reader, offsets) = first.get_weights(), second.get_weights()
            kernel[..., 0], bias[0], reader[:, :, 0] = 0, 1, 0
            first.set_weights([kernel, bias])
            second.set_weights([reader, offsets])


def main():
    import tensorflow as tf

    floats, calibration, folder = map(pathlib.Path, sys.argv[1:])
    model = in_another_order(floats)
    revive(model, calibration)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture.astype("float32")] for picture in pictures(calibration))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    (folder / "model.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main()
