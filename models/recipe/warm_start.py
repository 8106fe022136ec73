# SPDX-License-Identifier: Apache-2.0
"""Starts Large, and the early blocks of Small, from an ImageNet network of the same family.

The only ImageNet weights of this family that come as a small free file are those of MobileNetV3-Large
minimalistic, 8-bit TFLite (Apache-2.0, TensorFlow model garden). All its widths are Large's; those of its stem and
blocks 1 to 5 are Small's too. Kernels are 3x3, gates are missing and the activation is ReLU throughout. So
- wider blocks keep small random weights in their extra channels, 5x5 kernels take the 3x3 one in their centre;
- gates are opened by their bias; a hard-swish is fed three times the value, where it is nearly a ReLU;
- batch normalisation is split off again: with the statistics of the pictures at hand the block computes what the
  folded convolution did;
- Small's block 0 halves the resolution, Large's does not: its depthwise kernel becomes a blur, and its projection is
  the least-squares map onto Large's block-0 output for the picture at half size.
What has no counterpart (Small's blocks 6 to 10 and its last convolution, the head) keeps its random start.
"""
import numpy as np
import tensorflow as tf

from . import network

HARD_SWISH_GAIN = 3.0
OPEN_GATE = 3.0       # hard_sigmoid(3) = 1
GATE_RESPONSE = 0.1   # share of its random weights that a gate keeps: enough to learn from, little to disturb
STATISTICS = 144      # pictures from which the normalisation's statistics come
BATCH = 32            # of these at once
EXTRA_CHANNELS = 0.3  # scale of random weights relative to He's, where Large has no channel


def read_tflite(path):
    """{layer: (kernel float32 in Keras's order, bias float32)} of the folded convolutions; names as in Keras."""
    interpreter = tf.lite.Interpreter(str(path), experimental_preserve_all_tensors=True)
    tensors = {t["index"]: t for t in interpreter.get_tensor_details()}

    def value(index):
        scale, zero = tensors[index]["quantization"]
        return ((interpreter.get_tensor(index).astype(np.float64) - zero) * scale).astype(np.float32)

    layers = {}
    for operation in interpreter._get_ops_details():
        if operation["op_name"] not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            continue
        _, kernel, bias = operation["inputs"]
        name = tensors[kernel]["name"].removeprefix("MobilenetV3/").split("/weights_quant")[0]
        # TFLite: (out, h, w, in) and (1, h, w, channels); Keras: (h, w, in, out) and (h, w, channels, 1).
        layers[name] = np.transpose(value(kernel), (1, 2, 3, 0)), value(bias)
    return layers


def _pad_kernel(kernel, shape, random):
    """kernel in the centre and the first channels of a random kernel of the wanted shape."""
    depthwise = shape[3] == 1
    fan_in = shape[0] * shape[1] * (1 if depthwise else shape[2])
    wide = random.normal(0, EXTRA_CHANNELS * np.sqrt(2 / fan_in), shape).astype(np.float32)
    h, w, i, o = kernel.shape
    wide[:, :, :i, :o] = 0
    top, left = (shape[0] - h) // 2, (shape[1] - w) // 2
    wide[top:top + h, left:left + w, :i, :o] = kernel
    return wide


class Filler:
    """Sets convolutions and their normalisations, whose statistics are those of uint8 pictures (N, S, S, 3)."""

    def __init__(self, backbone, pictures, seed, report=None):
        """report: is told each layer, since the statistics of one take seconds and those of all minutes."""
        self.backbone = backbone
        self.report, self.filled = report, 0
        self.total = sum(layer.name.endswith("/BatchNorm") for layer in backbone.layers)
        self.pictures = pictures.astype(np.float32) / 127.5 - 1
        self.random = np.random.default_rng(seed)

    def output(self, tensor):
        # Not by predict(), which compiles a graph for every tensor that it is asked for.
        model = tf.keras.Model(self.backbone.input, tensor)
        return np.concatenate([model(self.pictures[i:i + BATCH], training=False).numpy() for i in range(0, len(self.pictures), BATCH)])

    def fill(self, name, kernel, bias, gain_in=1.0, gain_out=1.0):
        """Layer `name` + normalisation := gain_out * (conv(kernel, input / gain_in) + bias), measured on the pictures."""
        self.filled += 1
        if self.report:
            self.report(f"taking over the weights: step {self.filled} of at most {self.total}, {name}")
        layer = self.backbone.get_layer(name)
        shape = tuple(layer.weights[0].shape)
        layer.set_weights([_pad_kernel(kernel, shape, self.random)])
        normal = self.backbone.get_layer(name + "/BatchNorm")
        values = self.output(layer.output)
        mean, variance = values.mean((0, 1, 2)), values.var((0, 1, 2))
        known = len(bias)
        gamma, beta = np.ones_like(mean), np.zeros_like(mean)
        scale = gain_out / gain_in
        gamma[:known] = scale * np.sqrt(variance[:known] + normal.epsilon)
        beta[:known] = gain_out * bias + scale * mean[:known]
        normal.set_weights([gamma, beta, mean, variance])

    def open_gate(self, block):
        for layer in self.backbone.layers:
            if layer.name == f"{block}/squeeze_excite/Conv_1":
                kernel, bias = layer.get_weights()
                layer.set_weights([kernel * GATE_RESPONSE, np.full_like(bias, OPEN_GATE)])


# (last block with a counterpart, first block whose activation is a hard-swish)
BLOCKS = {"small": (5, 3), "large": (14, 6)}


def _large_block0(layers, pixels):
    """Output of Large's block 0 for pictures in -1..1: relu stem, depthwise, projection, residual."""
    kernel, bias = layers["Conv"]
    stem = tf.nn.relu(tf.nn.conv2d(pixels, kernel, 2, "SAME") + bias)
    kernel, bias = layers["expanded_conv/depthwise"]
    x = tf.nn.relu(tf.nn.depthwise_conv2d(stem, kernel, (1, 1, 1, 1), "SAME") + bias)
    kernel, bias = layers["expanded_conv/project"]
    return stem + tf.nn.conv2d(x, kernel, 1, "SAME") + bias


def _small_block0(filler, layers):
    """Small halves the resolution here: fitted to what Large's block 0 makes of the picture at half size."""
    filler.open_gate("expanded_conv")
    blur = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16
    blur = np.repeat(blur[:, :, None, None], 16, axis=2)
    filler.fill("expanded_conv/depthwise", blur, np.zeros(16, np.float32), HARD_SWISH_GAIN)
    project = filler.backbone.get_layer("expanded_conv/project")
    inputs = filler.output(project.input).reshape(-1, 16)
    half = tf.image.resize(filler.pictures, (filler.pictures.shape[1] // 2,) * 2, antialias=True)
    target = _large_block0(layers, half).numpy().reshape(-1, 16)
    design = np.hstack([inputs, np.ones((len(inputs), 1), np.float32)])
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    filler.fill("expanded_conv/project", solution[None, None, :16], solution[16])


def _block0_of_large(filler, layers):
    """The same block as the donor's, on the stem's output times HARD_SWISH_GAIN; the residual takes the gain along, and
    the projection makes it up."""
    filler.fill("expanded_conv/depthwise", *layers["expanded_conv/depthwise"], HARD_SWISH_GAIN, HARD_SWISH_GAIN)
    filler.fill("expanded_conv/project", *layers["expanded_conv/project"], HARD_SWISH_GAIN, HARD_SWISH_GAIN)


def apply(model, architecture, tflite, pictures, seed, report=None):
    """Fills the layers of `model` (network.build(architecture, ...)) that the donor has. pictures: uint8 (N, S, S, 3), a
    hundred or more preprocessed photos, from which the normalisation's statistics come."""
    layers = read_tflite(tflite)
    backbone = network.backbone(model)
    filler = Filler(backbone, pictures, seed, report)
    last_block, first_hard_swish = BLOCKS[architecture]
    # The stem's activation is a hard-swish.
    filler.fill("Conv", *layers["Conv"], gain_out=HARD_SWISH_GAIN)
    if architecture == "small":
        _small_block0(filler, layers)
        inherited = 1.0
    else:
        _block0_of_large(filler, layers)
        inherited = HARD_SWISH_GAIN
    for i in range(1, last_block + 1):
        block = f"expanded_conv_{i}"
        gain = HARD_SWISH_GAIN if i >= first_hard_swish else 1.0
        filler.open_gate(block)
        filler.fill(f"{block}/expand", *layers[f"{block}/expand"], gain_in=inherited if i == 1 else 1.0, gain_out=gain)
        filler.fill(f"{block}/depthwise", *layers[f"{block}/depthwise"], gain_in=gain, gain_out=gain)
        filler.fill(f"{block}/project", *layers[f"{block}/project"], gain_in=gain)
    if architecture == "large":
        filler.fill("Conv_1", *layers["Conv_1"], gain_out=HARD_SWISH_GAIN)


def pictures(settings, data):
    """Some training pictures, uint8 (N, S, S, 3), drawn with the settings' seed. data: training arrays with "chance"."""
    chance = data["chance"]
    pick = np.random.default_rng(settings["training"]["seed"]).choice(len(chance), min(STATISTICS, len(chance)), replace=False, p=chance)
    return data["pixels"][data["photo"][pick] if "photo" in data else pick]


def store(path, settings, data, fill):
    """Stores the weights that fill(model, pictures) sets. data: training arrays with "chance", from which the pictures are drawn."""
    tf.keras.utils.set_random_seed(settings["training"]["seed"])
    model = network.of_settings(settings, settings["network"]["size"])
    fill(model, pictures(settings, data))
    part = path.with_name("part.weights.h5")  # so that an interruption leaves no half file
    model.save_weights(part)
    part.replace(path)


def write(path, settings, tflite, data, report=None):
    """Stores the weights that a training of these settings starts from."""
    store(path, settings, data,
          lambda model, pictures: apply(model, settings["network"]["architecture"], tflite, pictures, settings["training"]["seed"], report))
