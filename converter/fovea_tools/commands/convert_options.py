# SPDX-License-Identifier: Apache-2.0
"""The command line of fovea-convert, each option checked by itself."""

from __future__ import annotations

import argparse
import re
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from .. import __version__, terminal
from ..conversion.options import WEIGHT_TYPES, Options
from ..errors import UsageError
from ..file import fovea_file
from ..passes.input_scaling import FAMILIES, MODES, InputScaling, named_scaling

EXAMPLES = """\
examples:
  fovea-convert detector.keras -o detector.fovea --labels no_dr,dr --target any_dr --preset kaggle_ben_color
  fovea-convert detector.h5 -o detector.fovea --labels no_dr,dr --target referable_dr --preset kaggle_circle --sigma 30
  fovea-convert detector.keras -o detector16.fovea --labels no_dr,dr --target any_dr --preset none --dtype fp16
  fovea-convert vgg.h5 -o vgg.fovea --labels no_dr,dr --target any_dr --preset none --preprocess-input caffe
  fovea-convert grades.keras -o grades.fovea --labels none,mild,moderate,severe,proliferative \\
      --target grade5 --preset none --provenance training_data="APTOS 2019" --provenance licence=CC-BY-4.0

exit status: 0 done; 1 the notes could not be written, the model is; 2 wrong usage; 4 the model is damaged or holds something that is not supported
"""


class Parser(terminal.Parser):
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


def parse_numbers(option: str, text: str) -> Tuple[float, ...]:
    """1 or one a channel, separated by commas; 1/255 is a number too."""
    numbers = []
    for part in text.split(","):
        over, _, under = part.partition("/")
        try:
            number = float(over) / (float(under) if under else 1.0)
        except (ValueError, ZeroDivisionError, OverflowError):
            number = float("nan")
        if not abs(number) <= 1e6:
            raise UsageError(f"{option} {text}: should be a number, or one for each channel separated by commas")
        numbers.append(number)
    if len(numbers) > 4:
        raise UsageError(f"{option} {text}: at most four numbers")
    return tuple(numbers)


def scaling_of_options(preprocess_input: Optional[str], mean: Optional[str], scale: Optional[str]) -> Optional[InputScaling]:
    """What the command line says, or None where it says nothing."""
    if preprocess_input is not None:
        if mean is not None or scale is not None:
            raise UsageError("--preprocess-input: names mean and scale already; leave out --mean and --scale")
        return named_scaling(preprocess_input)
    if mean is None and scale is None:
        return None
    scales = parse_numbers("--scale", scale) if scale is not None else (1.0,)
    if 0.0 in scales:
        raise UsageError(f"--scale {scale}: 0 leaves nothing of the picture")
    return InputScaling("given", parse_numbers("--mean", mean) if mean is not None else (0.0,), scales)


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
    g.add_argument("--scaled-decoding", metavar="2-16", default="0",
                   help="decode a JPEG at 1/2, 1/4 or 1/8 of its size where what is cut out then has this many times the input's side; 0: "
                        "never (default)")
    g.add_argument("--bgr", action="store_true", help="the network was trained on BGR pictures (OpenCV's order)")
    g = p.add_argument_group("decision and proof")
    g.add_argument("--temperature", metavar="T", default="1", help="divides the logits (calibration; default 1)")
    g.add_argument("--operating-point", metavar="NAME=THRESHOLD", action="append", default=[], help="may be repeated; the first is the default")
    g.add_argument("--default-operating-point", metavar="NAME")
    g.add_argument("--any-dr-operating-point", metavar="NAME=THRESHOLD", action="append", default=[],
                   help="with --target grade5, whose operating points are about grade 2 or more: the threshold for grade 1 or more of the point of "
                        "this name; may be repeated")
    g.add_argument("--golden", metavar="FILE.npz", help="pixels and logits of the training framework, for fovea selftest")
    g.add_argument("--provenance", metavar="KEY=VALUE", action="append", default=[], help="training_data, licence, intended_use, ...; may be repeated")
    return p


# What the file does not hold, and nobody can guess.
REQUIRED = {
    "labels": "name the classes in the order of the network's outputs, e.g. --labels no_dr,dr",
    "target": f"say what the classes mean, one of {', '.join(fovea_file.TARGETS[1:])} (other: no detector of retinopathy)",
    "preset": f"say how the photos were prepared in training, one of {', '.join(fovea_file.PRESETS)}",
}


def scaled_decoding_of(text: str) -> int:
    number = int(parse_number("--scaled-decoding", text, 0, fovea_file.MAX_SCALED_DECODING))
    if number == 1:
        raise UsageError("--scaled-decoding 1: use 0 (never), or 2 to 16")
    return number


def points_of(option: str, texts: Sequence[str]) -> List[Tuple[str, float]]:
    pairs = [split_pair(option, text) for text in texts]
    return [(name, parse_number(option, threshold, 0, 1)) for name, threshold in pairs]


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
        scaled_decoding=scaled_decoding_of(arguments.scaled_decoding),
        bgr=arguments.bgr,
        temperature=parse_number("--temperature", arguments.temperature, 1e-6, 1e6),
        operating_points=points_of("--operating-point", arguments.operating_point),
        default_point=arguments.default_operating_point,
        any_dr_points=points_of("--any-dr-operating-point", arguments.any_dr_operating_point),
        golden=arguments.golden,
        provenance=[split_pair("--provenance", text) for text in arguments.provenance],
        name=arguments.name,
        keep_layers=arguments.keep_layers,
        input_size=None if arguments.input_size is None else parse_size(arguments.input_size),
        output_activation=arguments.output_activation,
        dtype=arguments.dtype,
    )
