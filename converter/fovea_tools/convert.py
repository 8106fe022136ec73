# SPDX-License-Identifier: Apache-2.0
"""fovea-convert: a trained Keras network becomes a .fovea model file."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import zipfile
from dataclasses import dataclass, field
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from . import __version__, fold, fovea_file, patterns
from .errors import ConversionError, UsageError
from .fovea_file import FoveaModel, Golden, Preprocessing
from .graph import Graph
from .input_scaling import FAMILIES, MODES, InputScaling, apply_scaling, check_scaling, scaling_of_options
from .keras_reader import KerasFile, read_keras_file, snake_case
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
  fovea-convert detector.keras -o detector.fovea --labels no_dr,dr --target any_dr --preset kaggle_ben_color
  fovea-convert detector.h5 -o detector.fovea --labels no_dr,dr --target referable_dr --preset kaggle_circle --sigma 30
  fovea-convert detector.keras -o detector16.fovea --labels no_dr,dr --target any_dr --preset none --dtype fp16
  fovea-convert vgg.h5 -o vgg.fovea --labels no_dr,dr --target any_dr --preset none --preprocess-input caffe
  fovea-convert grades.keras -o grades.fovea --labels none,mild,moderate,severe,proliferative \\
      --target grade5 --preset none --provenance training_data="APTOS 2019" --provenance licence=CC-BY-4.0

exit status: 0 done; 2 wrong usage; 4 the model is damaged or holds something that is not supported
"""


@dataclass
class Options:
    """What the command line adds to the network."""

    labels: List[str]
    target: str
    preset: str
    scaling: Optional[InputScaling] = None
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
    try:
        data = fovea_file.write_fovea(model)
        fovea_file.read_fovea(data)
    except fovea_file.FormatError as error:
        raise ConversionError(f"{path}: the model file cannot hold this network: {error}") from error
    return Conversion(data, model, notes, warnings)


def build_graph(file: KerasFile, options: Options) -> Tuple[Graph, List[str]]:
    network = read_network(file.model_config)
    graph = lower(file, network, options.keep_layers)
    if options.scaling is not None:
        apply_scaling(graph, options.scaling)
    warnings = check_scaling(graph, options.scaling is not None)
    graph.remove_unused()
    if options.keep_layers:
        fold.fuse_activations(graph, inner_only=True)
    else:
        patterns.recognise_activations(graph)
        fold.fold_affine(graph)
        fold.fuse_activations(graph, inner_only=False)
        fold.fold_padding(graph)
    return graph, warnings


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
    if options.scaling is not None:
        notes.append(describe_scaling(options.scaling))
    if file.names_no_modules:
        notes.append("an .h5 file does not say whether a class is Keras's: a layer of your own called as one of Keras's is taken for it")
    nodes, tensors, names, logits, probabilities = pack_graph(graph, WEIGHT_TYPES[options.dtype])
    # A file name need not be UTF-8; the strings of the model file are.
    source_name = os.fsencode(os.path.basename(file.path)).decode("utf-8", "replace")
    name = options.name or os.path.splitext(source_name)[0]
    provenance = [
        ("model_name", name),
        ("source_file", source_name),
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
    regression = regression_loss(file.training_config)
    if regression is not None:
        raise ConversionError(
            f"layer {end.layer!r}: the network ends without softmax or sigmoid and was trained with {regression}: a regression, whose "
            "output is a number and no probability; only classifiers are converted"
        )
    chosen = options.output_activation or activation_of_loss(file.training_config)
    if chosen is None:
        raise UsageError(
            f"layer {end.layer!r}: the network ends without softmax or sigmoid and the file does not say (from_logits) which was "
            f"meant; give --output-activation {'sigmoid' if count == 1 else 'softmax or sigmoid'} if its loss had from_logits=True. A "
            "regression (a grade as a number) gives no probability and is not converted"
        )
    if chosen == "softmax" and count == 1:
        raise UsageError(f"--output-activation softmax: layer {end.layer!r} has one output, whose softmax is 1 for every photo")
    if chosen == "softmax":
        return fovea_file.OUTPUT_SOFTMAX
    return fovea_file.OUTPUT_ONE_SIGMOID if count == 1 else fovea_file.OUTPUT_SIGMOIDS


REGRESSION_LOSSES = (
    "mse", "mae", "mape", "msle", "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error", "huber", "huber_loss", "log_cosh", "logcosh", "poisson", "cosine_similarity", "cosine_proximity",
)


def regression_loss(training: Optional[Mapping[str, Any]]) -> Optional[str]:
    """The name of the loss where it is one for numbers; a loss is stored as a name, a function, a class, or one of these an output."""
    stack = [training.get("loss") if training is not None else None]
    while stack:
        loss = stack.pop()
        if isinstance(loss, str) and snake_case(loss) in REGRESSION_LOSSES:
            return loss
        if isinstance(loss, (list, tuple)):
            stack.extend(loss)
        elif isinstance(loss, dict):
            stack.extend(loss.values() if "class_name" not in loss else [loss["class_name"], loss.get("config")])
    return None


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
    target = options.target
    if target in ("any_dr", "referable_dr") and classes < 2:
        raise UsageError(f"--target {target} needs two classes or more, the network has {classes}")
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


def describe_scaling(scaling: InputScaling) -> str:
    if scaling.name != "given":
        return f"pixels by preprocess_input, mode {scaling.name}" if scaling.name != "none" else "pixels 0 to 255 as they are"
    mean, scale = (",".join(f"{number:g}" for number in numbers) for numbers in (scaling.mean, scaling.scale))
    return f"pixels (x - {mean}) * {scale}"


LARGEST_GOLDEN = 1 << 30


def read_golden_arrays(path: str) -> Tuple[np.ndarray, np.ndarray, Optional[float]]:
    """The arrays, each no larger than it declares and none larger than LARGEST_GOLDEN."""
    with zipfile.ZipFile(path) as archive:
        for name in ("pixels", "logits", "tolerance"):
            if f"{name}.npy" not in archive.namelist():
                continue
            with archive.open(f"{name}.npy") as member:
                version = np.lib.format.read_magic(member)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, kind = header(member)
            if math.prod(shape) * kind.itemsize > LARGEST_GOLDEN:
                raise ValueError(f"{name} would take more than {LARGEST_GOLDEN >> 20} MiB")
    with np.load(path, allow_pickle=False) as arrays:
        tolerance = float(arrays["tolerance"]) if "tolerance" in arrays else None
        return arrays["pixels"], np.asarray(arrays["logits"], np.float32), tolerance


def read_golden(path: str, model: FoveaModel, outputs: int, golden_share: float) -> Golden:
    """pixels (N, H, W, C) uint8, logits (N, K) float32, tolerance (optional; golden_share of the spread) from an .npz file."""
    try:
        with np.errstate(over="ignore"):
            pixels, logits, tolerance = read_golden_arrays(path)
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
    if not 0 <= tolerance <= 3e38:
        raise UsageError(f"--golden {path}: tolerance {tolerance} is not a number from 0 to 3e38")
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
    # An open end holds for what is stored, a float32.
    if not (smallest < np.float32(value) <= largest if open_end else smallest <= value <= largest):
        raise UsageError(f"{option} {text}: should be a number {f'above {smallest:g} up' if open_end else f'from {smallest:g}'} to {largest:g}")
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
    p.add_argument("--target", choices=fovea_file.TARGETS, help="what the classes mean (required); other: no retinopathy, for fovea run only")
    p.add_argument("--name", help="the model's name (default: the source file's)")
    p.add_argument("--dtype", default="fp32", help="number type of the weights: fp32 (default) or fp16, half the size")
    p.add_argument("--keep-layers", action="store_true", help="one node a source layer, nothing folded: slow, to compare layer by layer")
    p.add_argument("--input-size", metavar="SIDE|HxW", help="the size the network was trained on, where the file leaves it open (default 224)")
    p.add_argument("--output-activation", choices=("softmax", "sigmoid"), help="for a network with a linear end: how outputs become probabilities")
    p.add_argument("--version", action="version", version=f"fovea-convert {__version__}")
    p.add_argument("--quiet", action="store_true", help="print nothing but errors")
    g = p.add_argument_group("preprocessing of the photos that the network was trained on")
    g.add_argument("--preset", choices=fovea_file.PRESETS, help="how photos were cropped and filtered (required); none: only resized")
    g.add_argument("--preprocess-input", choices=(*MODES, *FAMILIES), metavar="MODE",
                   help="what keras.applications' preprocess_input did to the pixels outside the network: caffe, tf, torch, or a family of "
                        "networks (vgg16, resnet50, densenet, inception_v3, ...); none: the network takes 0 to 255")
    g.add_argument("--mean", metavar="M[,M,M]", help="what was taken off the pixels 0 to 255 outside the network, by channel (default 0)")
    g.add_argument("--scale", metavar="S[,S,S]", help="by what they were multiplied then, e.g. 1/255 (default 1)")
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


# What the file does not hold, and nobody can guess.
REQUIRED = {
    "labels": "name the classes in the order of the network's outputs, e.g. --labels no_dr,dr",
    "target": f"say what the classes mean, one of {', '.join(fovea_file.TARGETS[1:])} (other: no detector of retinopathy)",
    "preset": f"say how the photos were prepared in training, one of {', '.join(fovea_file.PRESETS)}",
}


def read_options(arguments: argparse.Namespace) -> Options:
    if arguments.dtype == "int8":
        raise UsageError("--dtype int8: not written yet; use fp32 or fp16")
    if arguments.dtype not in WEIGHT_TYPES:
        raise UsageError(f"--dtype {arguments.dtype}: unknown; use fp32 or fp16")
    missing = [option for option in REQUIRED if getattr(arguments, option) is None]
    if missing:
        raise UsageError(f"{' and '.join(f'--{option} is missing: {REQUIRED[option]}' for option in missing)}")
    if arguments.name is not None and (not arguments.name.strip() or not arguments.name.isprintable() or len(arguments.name) > 1000):
        raise UsageError("--name: should be a printable name of at most 1000 characters")
    points = []
    for text in arguments.operating_point:
        name, threshold = split_pair("--operating-point", text)
        points.append((name, parse_number("--operating-point", threshold, 0, 1)))
    return Options(
        labels=split_labels(arguments.labels),
        target=arguments.target,
        preset=arguments.preset,
        scaling=scaling_of_options(arguments.preprocess_input, arguments.mean, arguments.scale),
        sigma=None if arguments.sigma is None else parse_number("--sigma", arguments.sigma, 0, 256, open_end=True),
        tolerance=int(parse_number("--tolerance", arguments.tolerance, 0, 255)),
        circle_mask=not arguments.no_circle_mask,
        gray_swapped=arguments.gray_swapped,
        pad_square=arguments.pad_square,
        resize=arguments.resize,
        bgr=arguments.bgr,
        temperature=parse_number("--temperature", arguments.temperature, 1e-6, 1e6),
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
