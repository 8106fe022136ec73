# SPDX-License-Identifier: Apache-2.0
"""What the tests of the fovea program share: the program, made-up models and photos."""
import json
import os
import pathlib
import shlex
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
PHOTOS = ROOT / "tests" / "golden" / "data" / "photos"  # IDRiD, CC BY 4.0
SAMPLES = sorted(PHOTOS.glob("IDRiD_*.jpg"))
sys.path.insert(0, str(ROOT / "converter"))
from fovea_tools.builder.graph import Graph, Node  # noqa: E402
from fovea_tools.file import fovea_file, pack  # noqa: E402

BINARY = os.environ.get("FOVEA_BINARY", "")
# An emulator for a program of another CPU: "qemu-aarch64 -L /usr/aarch64-linux-gnu".
WRAPPER = shlex.split(os.environ.get("FOVEA_WRAPPER", ""))
needs_binary = pytest.mark.skipif(not BINARY, reason="FOVEA_BINARY names no program to test")
SIDE = 32  # of the made-up model's input


def fovea(*arguments, env=None, **options):
    """Runs the program; its outcome with text output."""
    environment = {k: v for k, v in os.environ.items() if k != "FOVEA_ISA"}
    environment.update(env or {})
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("timeout", 300)
    return subprocess.run(
        [*WRAPPER, BINARY, *map(str, arguments)], stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def fovea_ok(*arguments, **options):
    result = fovea(*arguments, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def one_error(result, status, *parts):
    """The outcome is this exit status and one line on standard error with these parts."""
    assert result.returncode == status, (result.returncode, result.stderr)
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("fovea: "), result.stderr
    for part in parts:
        assert str(part) in lines[0], lines[0]


class TinyNetwork:
    """Rescale, one convolution, mean, two classes or more: small enough to be worked out in NumPy."""

    def __init__(self, seed=1, bias=0.0, classes=2):
        rng = np.random.default_rng(seed)
        self.kernel = rng.normal(0, 0.4, (3, 3, 3, 8)).astype(np.float32)
        self.kernel_bias = rng.normal(0, 0.2, 8).astype(np.float32)
        self.dense = rng.normal(0, 2.0, (8, classes)).astype(np.float32)
        self.dense_bias = np.array([0.0] + [bias] * (classes - 1), np.float32)

    def features(self, pixels):
        """The convolution's output in double: [h/2][w/2][8], "same" padding, stride 2, ReLU."""
        x = pixels.astype(np.float64) / 127.5 - 1
        height, width = x.shape[0] // 2, x.shape[1] // 2
        padded = np.pad(x, ((0, 1), (0, 1), (0, 0)))
        out = np.zeros((height, width, 8)) + self.kernel_bias
        for dy in range(3):
            for dx in range(3):
                window = padded[dy : dy + 2 * height : 2, dx : dx + 2 * width : 2]
                out += window @ self.kernel[dy, dx].astype(np.float64)
        return np.maximum(out, 0)

    def logits(self, pixels):
        mean = self.features(pixels).mean(axis=(0, 1))
        return mean @ self.dense.astype(np.float64) + self.dense_bias

    def graph(self, any_size):
        size = (None, None, 3) if any_size else (SIDE, SIDE, 3)
        graph = Graph(size)
        scale = np.full(3, 1 / 127.5)
        rescale = Node("affine", [graph.input], size, "rescaling", weights=scale, bias=np.full(3, -1.0), names=["rescaling"])
        conv = Node(
            "convolution", [rescale], size, "conv", activation="relu", weights=self.kernel.astype(np.float64),
            bias=self.kernel_bias.astype(np.float64), kernel=(3, 3), strides=(2, 2), dilation=(1, 1), same=True, groups=1,
            out_channels=8, names=["block/conv", "block_conv"],
        )
        mean = Node("global_pool", [conv], (1, 1, 8), "mean", names=["mean"])
        classes = len(self.dense_bias)
        dense = Node(
            "dense", [mean], (1, 1, classes), "dense", weights=self.dense.astype(np.float64).reshape(1, 1, 8, classes),
            bias=self.dense_bias.astype(np.float64), out_channels=classes, names=["dense"],
        )
        softmax = Node("softmax", [dense], (1, 1, classes), "softmax", names=["softmax"])
        graph.nodes += [rescale, conv, mean, dense, softmax]
        graph.logits, graph.probabilities = dense, softmax
        return graph


def tiny_model(network=None, *, any_size=False, golden=True, golden_error=0.0, target="any_dr", labels=("no_dr", "dr"), any_dr_points=()):
    """A FoveaModel, ready for fovea_file.write_fovea."""
    network = network or TinyNetwork()
    graph = network.graph(any_size)
    nodes, tensors, names, logits, probabilities = pack.pack_graph(graph)
    size = (0, 0, 3) if any_size else (SIDE, SIDE, 3)
    vectors = None
    if golden:
        pixels = np.random.default_rng(5).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
        expected = [(network.logits(image) + golden_error).tolist() for image in pixels]
        vectors = fovea_file.Golden(SIDE, SIDE, 3, 1e-4, expected, [image.tobytes() for image in pixels])
    return fovea_file.FoveaModel(
        input_size=size, default_size=(SIDE, SIDE), nodes=nodes, tensors=tensors, names=names, logits=logits,
        probabilities=probabilities,
        preprocessing=fovea_file.Preprocessing(1, fovea_file.FLAG_CIRCLE_MASK, 10.0, 7, 0, 0.0, SIDE, SIDE),
        target=fovea_file.TARGETS.index(target), output_form=fovea_file.OUTPUT_SOFTMAX, labels=list(labels),
        provenance=[
            ("model_name", "tiny"), ("source_file", "none"), ("source_sha256", "0" * 64), ("converter_version", "test"),
            ("source_framework", "numpy"),
        ],
        temperature=1.5, operating_points=[("balanced", 0.5), ("sensitive", 0.001), ("specific", 0.999)], default_point=0,
        any_dr_points=list(any_dr_points), golden=vectors,
    )


def write_model(path, **options):
    path.write_bytes(fovea_file.write_fovea(tiny_model(**options)))
    return path


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "tiny.fovea")


def jsonl(text):
    return [json.loads(line) for line in text.splitlines()]
