# SPDX-License-Identifier: Apache-2.0
"""fovea-convert: a trained Keras network becomes a .fovea model file."""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from . import __version__, fold, fovea_file, patterns
from .errors import ConversionError, UsageError
from .fovea_file import FoveaModel, Golden, Preprocessing
from .graph import Graph, Node
from .keras_reader import KerasFile, read_keras_file
from .lower import lower
from .output_file import write_file
from .pack import pack_graph
from .topology import read_network

EXIT_OK, EXIT_USAGE, EXIT_BAD_MODEL = 0, 2, 4
DEFAULT_SIDE = 224
WEIGHT_TYPES = {"fp32": fovea_file.F32, "fp16": fovea_file.F16}
# Largest accepted difference of a golden logit, as a share of the logits' spread, where the vectors do not say. Weights rounded to
# half precision are off by up to 2^-11.
GOLDEN_SHARES = {"fp32": 1e-4, "fp16": 1e-2}

EXAMPLES = """\
examples:
  fovea-convert detector.keras -o detector.fovea --labels no_dr,dr
  fovea-convert detector.h5 -o detector.fovea --labels no_dr,dr --preset kaggle_circle --sigma 30
  fovea-convert detector.keras -o detector16.fovea --labels no_dr,dr --dtype fp16
  fovea-convert detector.h5 -o layers.fovea --labels no_dr,dr --keep-layers
  fovea-convert grades.keras -o grades.fovea --labels none,mild,moderate,severe,proliferative \\
      --target grade5 --provenance training_data="APTOS 2019" --provenance licence=CC-BY-4.0

exit status: 0 done; 2 wrong usage; 4 the model is damaged or holds something that is not supported
"""


@dataclass
class Options:
    """What the command line adds to the network."""

    labels: List[str]
    target: Optional[str] = None
    preset: str = "kaggle_ben_color"
    sigma: Optional[float] = None
    tolerance: int = 7
    circle_mask: bool = True
    gray_swapped: bool = False
    pad_square: bool = False
    resize: str = "cv_linear"
    bgr: bool = False
    temperature: float = 1.0
    operating_points: List[Tuple[str, float]] = field(default_factory=list)
    default_point: Optional[str] = None
    golden: Optional[str] = None
    provenance: List[Tuple[str, str]] = field(default_factory=list)
    name: Optional[str] = None
    keep_layers: bool = False
    input_size: Optional[Tuple[int, int]] = None
    output_activation: Optional[str] = None
    dtype: str = "fp32"


@dataclass
class Conversion:
    """data: the file. notes and warnings: lines for the user."""

    data: bytes
    model: FoveaModel
    notes: List[str]
    warnings: List[str]


def convert(path: str, options: Options) -> Conversion:
    """Reads the Keras file and returns the model file's bytes. Raises ConversionError or UsageError."""
    file = read_keras_file(path)
    try:
        graph, warnings = build_graph(file, options)
        model, notes = describe(file, graph, options, warnings)
    except (ConversionError, UsageError) as error:
        raise type(error)(f"{path}: {error}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        # A configuration that no Keras writes: typed access catches most, this the rest.
        detail = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise ConversionError(f"{path}: the model configuration is malformed ({detail})") from error
    data = fovea_file.write_fovea(model)
    fovea_file.read_fovea(data)
    return Conversion(data, model, notes, warnings)


def build_graph(file: KerasFile, options: Options) -> Tuple[Graph, List[str]]:
    network = read_network(file.model_config)
    graph = lower(file, network, options.keep_layers)
    warnings = rescaling_warnings(graph)
    graph.remove_unused()
    if options.keep_layers:
        fold.fuse_activations(graph, inner_only=True)
    else:
        patterns.recognise_activations(graph)
        fold.fold_affine(graph)
        fold.fuse_activations(graph, inner_only=False)
        fold.fold_padding(graph)
    return graph, warnings


def rescaling_warnings(graph: Graph) -> List[str]:
    """Says what the network makes of the pixel range 0 to 255 where that looks like a mistake."""
    scale, offset = np.ones(1), np.zeros(1)
    node = graph.input
    layers = []
    while True:
        readers = [other for other in graph.nodes if node in other.inputs]
        if len(readers) != 1 or readers[0].kind != "affine":
            break
        node = readers[0]
        offset = offset * node.weights + node.bias
        scale = scale * node.weights
        layers.append(node.layer)
    low, high = np.minimum(offset, offset + 255 * scale), np.maximum(offset, offset + 255 * scale)
    mapped = f"pixels 0 to 255 become {low.min():.6g} to {high.max():.6g}"
    by = f" by {', '.join(layers)}" if layers else ": nothing rescales them"
    if (high - low).min() < 0.5:
        return [f"{mapped}{by}: a very narrow range (rescaled twice?); converted as it is"]
    if low.min() < -4 or high.max() > 4:
        return [f"{mapped}{by}: an unusually wide range (a rescaling left out?); converted as it is"]
    return []


def describe(file: KerasFile, graph: Graph, options: Options, warnings: List[str]) -> Tuple[FoveaModel, List[str]]:
    """The whole model file: the graph with everything the command line says about it."""
    notes: List[str] = []
    height, width, channels = graph.input.shape
    size = (height or 0, width or 0)
    if options.input_size is not None and any(n and n != m for n, m in zip(size, options.input_size)):
        raise UsageError(f"--input-size {options.input_size[0]}x{options.input_size[1]}: the network takes {size[0]}x{size[1]} only")
    default = options.input_size or (size[0] or DEFAULT_SIDE, size[1] or DEFAULT_SIDE)
    if options.input_size is None and 0 in size:
        warnings.append(f"the network takes any size; {default[0]}x{default[1]} is stored as its own: --input-size sets another")
    form = output_form(file, graph, options)
    target = check_labels(graph, form, options)
    notes.append(f"labels {', '.join(options.labels)}; target {target}")
    nodes, tensors, names, logits, probabilities = pack_graph(graph, WEIGHT_TYPES[options.dtype])
    name = options.name or os.path.splitext(os.path.basename(file.path))[0]
    provenance = [
        ("model_name", name),
        ("source_file", os.path.basename(file.path)),
        ("source_sha256", file.sha256),
        ("converter_version", f"fovea_tools {__version__}"),
        ("source_framework", file.framework),
    ]
    fixed = {key for key, _ in provenance}
    for key, value in options.provenance:
        if key in fixed:
            raise UsageError(f"--provenance {key}: set by the converter, or given twice")
        fixed.add(key)
        provenance.append((key, value))
    points, default_point = operating_points(options)
    preprocessing = describe_preprocessing(options, default, notes)
    model = FoveaModel(
        input_size=(*size, channels), default_size=default, nodes=nodes, tensors=tensors, names=names, logits=logits,
        probabilities=probabilities, preprocessing=preprocessing, target=fovea_file.TARGETS.index(target), output_form=form,
        labels=options.labels, provenance=provenance, temperature=options.temperature, operating_points=points,
        default_point=default_point,
    )
    if options.golden is not None:
        model.golden = read_golden(options.golden, model, graph.logits.shape[2], GOLDEN_SHARES[options.dtype])
        notes.append(f"{len(model.golden.logits)} golden vectors, tolerance {model.golden.tolerance:.3g}")
    return model, notes


def output_form(file: KerasFile, graph: Graph, options: Options) -> int:
    """How the outputs become probabilities."""
    end, count = graph.probabilities, graph.probabilities.shape[2]
    if end.kind == "softmax" and end is not graph.logits:
        if options.output_activation not in (None, "softmax"):
            raise UsageError(f"--output-activation {options.output_activation}: the network ends in a softmax already")
        return fovea_file.OUTPUT_SOFTMAX
    if end is not graph.logits:
        if options.output_activation not in (None, "sigmoid"):
            raise UsageError(f"--output-activation {options.output_activation}: the network ends in a sigmoid already")
        return fovea_file.OUTPUT_ONE_SIGMOID if count == 1 else fovea_file.OUTPUT_SIGMOIDS
    if end.activation != "none":
        raise ConversionError(f"layer {end.layer!r}: the network ends in {end.activation}; softmax, sigmoid or a linear end is converted")
    chosen = options.output_activation or activation_of_loss(file.training_config)
    if chosen is None:
        raise UsageError(
            f"layer {end.layer!r}: the network ends without softmax or sigmoid and the file does not say (from_logits) which was "
            "meant; give --output-activation softmax or sigmoid"
        )
    if chosen == "softmax":
        return fovea_file.OUTPUT_SOFTMAX
    return fovea_file.OUTPUT_ONE_SIGMOID if count == 1 else fovea_file.OUTPUT_SIGMOIDS


def activation_of_loss(training: Optional[Mapping[str, Any]]) -> Optional[str]:
    """What a loss with from_logits=True applies itself."""
    loss = training.get("loss") if training is not None else None
    if isinstance(loss, dict) and isinstance(loss.get("config"), dict) and loss["config"].get("from_logits") is True:
        class_name = loss.get("class_name")
        if class_name in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy", "CategoricalFocalCrossentropy"):
            return "softmax"
        if class_name in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
            return "sigmoid"
    return None


def check_labels(graph: Graph, form: int, options: Options) -> str:
    """The target; refuses labels that do not fit the outputs."""
    labels, outputs = options.labels, graph.logits.shape[2]
    classes = 2 if form == fovea_file.OUTPUT_ONE_SIGMOID else outputs
    if len(labels) != classes:
        one = " (one output is the probability of the second of two classes)" if form == fovea_file.OUTPUT_ONE_SIGMOID else ""
        raise UsageError(f"--labels names {len(labels)} classes, the network has {classes}{one}")
    if classes > 1000:
        raise ConversionError(f"the network has {classes} classes; at most 1000 are converted")
    target = options.target or {2: "any_dr", 5: "grade5"}.get(classes, "other")
    if target == "grade5" and classes != 5:
        raise UsageError(f"--target grade5 needs five classes, the network has {classes}")
    if target in ("any_dr", "referable_dr"):
        negative = re.compile(r"(no|non|not|without|healthy|normal|negative)(?![a-z])", re.IGNORECASE)
        if any(negative.match(label) for label in labels[1:]) and not negative.match(labels[0]):
            raise UsageError(
                f"--labels {','.join(labels)}: for --target {target} the first class must be the negative one. If the network really was "
                "trained with this order (folder names are sorted), retrain with the order fixed or use --target other"
            )
    return target


def operating_points(options: Options) -> Tuple[List[Tuple[str, float]], Optional[int]]:
    points = list(options.operating_points)
    names = [name for name, _ in points]
    if len(set(names)) != len(names) or len(points) > 16:
        raise UsageError("--operating-point: at most 16, with different names")
    if options.default_point is not None and options.default_point not in names:
        raise UsageError(f"--default-operating-point {options.default_point}: no --operating-point of that name")
    if not points and options.temperature != 1.0:
        points = [("balanced", 0.5)]
        names = ["balanced"]
    if not points:
        return [], None
    return points, names.index(options.default_point) if options.default_point else 0


def describe_preprocessing(options: Options, size: Tuple[int, int], notes: List[str]) -> Preprocessing:
    """The PREP section. Presets without a Gaussian or a crop store 0 for what they do not use."""
    preset = fovea_file.PRESETS.index(options.preset)
    blurs = options.preset in ("kaggle_ben_color", "kaggle_circle", "kaggle_circle_v2", "graham2015")
    crops = options.preset in ("kaggle_ben_color", "kaggle_circle", "kaggle_circle_v2")
    if options.sigma is not None and not blurs:
        raise UsageError(f"--sigma: preset {options.preset} has no Gaussian")
    sigma = (10.0 if options.sigma is None else options.sigma) if blurs else 0.0
    masks = options.circle_mask and options.preset == "kaggle_ben_color"
    flags = (
        fovea_file.FLAG_CIRCLE_MASK * masks
        + fovea_file.FLAG_GRAY_SWAPPED * options.gray_swapped
        + fovea_file.FLAG_PAD_SQUARE * options.pad_square
        + fovea_file.FLAG_BGR * options.bgr
    )
    words = [f"preset {options.preset}"]
    words += [f"sigma {sigma:g}"] * blurs + [f"tolerance {options.tolerance}"] * crops + ["circle mask"] * masks
    words += ["grey swapped"] * options.gray_swapped + ["padded to a square"] * options.pad_square + ["BGR"] * options.bgr
    notes.append(", ".join(words + [f"resize {options.resize}"]))
    return Preprocessing(
        preset, flags, sigma, options.tolerance if crops else 0, fovea_file.RESIZES.index(options.resize),
        300.0 if options.preset == "graham2015" else 0.0, *size,
    )


def read_golden(path: str, model: FoveaModel, outputs: int, golden_share: float) -> Golden:
    """pixels (N, H, W, C) uint8, logits (N, K) float32, tolerance (optional; golden_share of the spread) from an .npz file."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            pixels, logits = arrays["pixels"], np.asarray(arrays["logits"], np.float32)
            tolerance = float(arrays["tolerance"]) if "tolerance" in arrays else None
    except Exception as error:  # numpy and zipfile raise anything on damaged files
        raise UsageError(f"--golden {path}: cannot be read ({' '.join(str(error).split())[:120]})") from error
    channels = model.input_size[2]
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != channels or not 1 <= len(pixels) <= 64:
        raise UsageError(f"--golden {path}: pixels should be 1 to 64 pictures (N, height, width, {channels}) of uint8, are {pixels.shape} {pixels.dtype}")
    if any(n and n != m for n, m in zip(model.input_size, pixels.shape[1:3])):
        raise UsageError(f"--golden {path}: pictures of {pixels.shape[1]}x{pixels.shape[2]}, the network takes {model.input_size[0]}x{model.input_size[1]}")
    if logits.shape != (len(pixels), outputs) or not np.isfinite(logits).all():
        raise UsageError(f"--golden {path}: logits should be ({len(pixels)}, {outputs}) finite numbers, are {logits.shape}")
    if tolerance is None:
        tolerance = golden_share * max(float(logits.max() - logits.min()), 1.0)
    if not 0 < tolerance < float("inf"):
        raise UsageError(f"--golden {path}: tolerance {tolerance} is not above 0")
    return Golden(
        *(int(n) for n in pixels.shape[1:]), tolerance, [[float(v) for v in row] for row in logits],
        [np.ascontiguousarray(picture).tobytes() for picture in pixels],
    )


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UsageError(f"{message} (fovea-convert --help)")


def split_labels(text: str) -> List[str]:
    labels = [label.strip() for label in text.split(",")]
    if any(not label or not label.isprintable() or len(label.encode("utf-8", "replace")) > 1000 for label in labels):
        raise UsageError("--labels: names separated by commas, none empty")
    if len(set(labels)) != len(labels):
        raise UsageError("--labels: two classes with the same name")
    return labels


def split_pair(option: str, text: str) -> Tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip() or not (key + value).isprintable() or len(text) > 16_000:
        raise UsageError(f"{option} {text}: should be NAME=VALUE")
    return key.strip(), value.strip()


def parse_number(option: str, text: str, smallest: float, largest: float, open_end: bool = False) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not (smallest < value <= largest if open_end else smallest <= value <= largest):
        raise UsageError(f"{option} {text}: should be a number from {smallest:g} to {largest:g}")
    return value


def parse_size(text: str) -> Tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    size = (int(found.group(1)), int(found.group(2) or found.group(1))) if found else (0, 0)
    if not all(1 <= side <= 65_535 for side in size):
        raise UsageError(f"--input-size {text}: should be a side in pixels or HEIGHTxWIDTH")
    return size


def parser() -> argparse.ArgumentParser:
    p = Parser(
        prog="fovea-convert", description="Turns a trained Keras network (.h5, .keras) into a .fovea model file.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("model", help="the Keras file: .h5 of Keras 2.13 to 2.15, .keras of these and of Keras 3")
    p.add_argument("-o", "--output", required=True, metavar="FILE", help="the .fovea file to write")
    p.add_argument("--labels", metavar="A,B,...", help="names of the classes in the order of the outputs (required)")
    p.add_argument("--target", choices=fovea_file.TARGETS, help="what the classes mean (default: any_dr for 2, grade5 for 5 classes, else other)")
    p.add_argument("--name", help="the model's name (default: the source file's)")
    p.add_argument("--dtype", default="fp32", help="number type of the weights: fp32 (default) or fp16, half the size")
    p.add_argument("--keep-layers", action="store_true", help="one node a source layer, nothing folded: slow, to compare layer by layer")
    p.add_argument("--input-size", metavar="SIDE|HxW", help="the size the network was trained on, where the file leaves it open (default 224)")
    p.add_argument("--output-activation", choices=("softmax", "sigmoid"), help="for a network with a linear end: how outputs become probabilities")
    p.add_argument("--version", action="version", version=f"fovea-convert {__version__}")
    p.add_argument("--quiet", action="store_true", help="print nothing but errors")
    g = p.add_argument_group("preprocessing of the photos that the network was trained on")
    g.add_argument("--preset", choices=fovea_file.PRESETS, default="kaggle_ben_color", help="default: kaggle_ben_color with circle mask")
    g.add_argument("--sigma", metavar="PIXELS", help="Gaussian of the preset (default 10)")
    g.add_argument("--tolerance", metavar="0-255", default="7", help="grey level at most which is border when cropping (default 7)")
    g.add_argument("--no-circle-mask", action="store_true", help="kaggle_ben_color without the circle mask at its end")
    g.add_argument("--gray-swapped", action="store_true", help="crop by a grey picture with red and blue swapped")
    g.add_argument("--pad-square", action="store_true", help="pad to a square before resizing instead of squeezing")
    g.add_argument("--resize", choices=fovea_file.RESIZES, default="cv_linear")
    g.add_argument("--bgr", action="store_true", help="the network was trained on BGR pictures (OpenCV's order)")
    g = p.add_argument_group("decision and proof")
    g.add_argument("--temperature", metavar="T", default="1", help="divides the logits (calibration; default 1)")
    g.add_argument("--operating-point", metavar="NAME=THRESHOLD", action="append", default=[], help="may be repeated; the first is the default")
    g.add_argument("--default-operating-point", metavar="NAME")
    g.add_argument("--golden", metavar="FILE.npz", help="pixels and logits of the training framework, for fovea selftest")
    g.add_argument("--provenance", metavar="KEY=VALUE", action="append", default=[], help="training_data, licence, intended_use, ...; may be repeated")
    return p


def read_options(arguments: argparse.Namespace) -> Options:
    if arguments.dtype == "int8":
        raise UsageError("--dtype int8: not written yet; use fp32 or fp16")
    if arguments.dtype not in WEIGHT_TYPES:
        raise UsageError(f"--dtype {arguments.dtype}: unknown; use fp32 or fp16")
    if arguments.labels is None:
        raise UsageError("--labels is missing: name the classes in the order of the network's outputs, e.g. --labels no_dr,dr")
    if arguments.name is not None and (not arguments.name.strip() or not arguments.name.isprintable()):
        raise UsageError("--name: should be a printable name")
    points = []
    for text in arguments.operating_point:
        name, threshold = split_pair("--operating-point", text)
        points.append((name, parse_number("--operating-point", threshold, 0, 1)))
    return Options(
        labels=split_labels(arguments.labels),
        target=arguments.target,
        preset=arguments.preset,
        sigma=None if arguments.sigma is None else parse_number("--sigma", arguments.sigma, 0, 256, open_end=True),
        tolerance=int(parse_number("--tolerance", arguments.tolerance, 0, 255)),
        circle_mask=not arguments.no_circle_mask,
        gray_swapped=arguments.gray_swapped,
        pad_square=arguments.pad_square,
        resize=arguments.resize,
        bgr=arguments.bgr,
        temperature=parse_number("--temperature", arguments.temperature, 0, 1000, open_end=True),
        operating_points=points,
        default_point=arguments.default_operating_point,
        golden=arguments.golden,
        provenance=[split_pair("--provenance", text) for text in arguments.provenance],
        name=arguments.name,
        keep_layers=arguments.keep_layers,
        input_size=None if arguments.input_size is None else parse_size(arguments.input_size),
        output_activation=arguments.output_activation,
        dtype=arguments.dtype,
    )


def main(argv: Optional[Sequence[str]] = None) -> int:
    try:
        arguments = parser().parse_args(argv)
        options = read_options(arguments)
        result = convert(arguments.model, options)
        write_file(arguments.output, result.data)
    except UsageError as error:
        print(f"fovea-convert: {error}", file=sys.stderr)
        return EXIT_USAGE
    except ConversionError as error:
        print(f"fovea-convert: {error}", file=sys.stderr)
        return EXIT_BAD_MODEL
    for warning in result.warnings:
        print(f"fovea-convert: warning: {warning}", file=sys.stderr)
    if not arguments.quiet:
        for note in result.notes:
            print(note)
        weights = sum(len(tensor.data) for tensor in result.model.tensors)
        print(f"{arguments.output}: {len(result.data)} bytes, {len(result.model.nodes)} nodes, {weights / 2**20:.2f} MiB of weights")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
