# SPDX-License-Identifier: Apache-2.0
"""fovea-quantize: a model of 8-bit codes from one of floats, calibrated on photos."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from .. import __version__
from ..errors import EngineError, QuantizationError, UsageError
from ..file.fovea_file import FormatError, FoveaModel, read_fovea, read_sections
from ..file.input_file import files_below, read_file
from ..file.output_file import check_output, write_file
from ..terminal import Parser, complain, printable, say, tells_lack_of_memory

EXIT_OK, EXIT_FAILED, EXIT_WRONG_USAGE, EXIT_BAD_MODEL = 0, 1, 2, 4
LEAST_PHOTOS = 64  # with fewer, rare large values are cut off
LAYER_PHOTOS = 16  # enough for a layer's ratio of signal to noise, which is of all its values
PHOTO_ENDINGS = (".jpg", ".jpeg", ".png")

DESCRIPTION = """Turns a model of floats into one of 8-bit codes (and 16-bit ones where its first blocks need them): the scale of every channel
from photos, weights rounded so that later ones make up for the errors of earlier ones, biases that keep each layer's mean. The result gives the
same bits on every CPU. What it costs is measured on photos that were not used for it."""

EXAMPLES = """examples:
  fovea-quantize small224.fovea --photos training/ -o small224_int8.fovea --report report.json
  fovea-quantize small224.fovea --photos pictures/ --prepared --seed 1 -o small224_int8.fovea
  fovea-quantize small224.fovea --photos training/ --most-error 0.05 -o small224_int8.fovea --page report.html

Use photos that the detector was trained on, or others that nobody measures it with; 256 and more. Exit status: 0 done; 1 photos or a
program that do not do, with a message; 2 wrong usage; 4 a damaged model file. For research use. Not a medical device."""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea-quantize", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.fovea", help="the model of floats")
    parser.add_argument("--photos", metavar="DIR", required=True, action="append",
                        help="photos, in this folder and those below it; several folders give alike many")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the model of codes")
    parser.add_argument("--prepared", action="store_true",
                        help="the photos are pictures of the network's size already, as fovea preprocess writes them")
    parser.add_argument("--only", metavar="FILE", help="names of photos without folder and ending, one a line: no others are used")
    parser.add_argument("--count", type=int, default=512, metavar="N", help="photos for the ranges, drawn by the seed (default: 512)")
    parser.add_argument("--fit", type=int, default=128, metavar="N", help="of these, for weights and biases (default: 128)")
    parser.add_argument("--check", type=int, default=128, metavar="N", help="other photos to measure the result on (default: 128)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which photos are drawn (default: 0)")
    parser.add_argument("--precision", choices=("exact", "fast"), default="exact",
                        help="exact: the first two blocks in 16 bits (default); fast: 8 bits throughout")
    parser.add_argument("--nearest", action="store_true", help="round weights to the nearest: quicker, a little less exact")
    parser.add_argument("--keep", metavar="LAYER=TYPE", action="append", default=[],
                        help="leave a layer in fp32, or give its values 16 bits (int16); may be repeated")
    parser.add_argument("--most-error", type=float, metavar="RMS",
                        help="give 16 bits to the inputs of the layers that lose most, until the rms error of the margin between the classes "
                             "is no more than this on half of the --check photos (the figures are of the other half)")
    parser.add_argument("--fovea", metavar="PATH", default="fovea", help="the fovea program (default: the one on the path)")
    parser.add_argument("--report", metavar="FILE.json", help="write the figures there")
    parser.add_argument("--page", metavar="FILE.html", help="write them as a page that people can read (needs jinja2)")
    parser.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
    parser.add_argument("--version", action="version", version=f"fovea-quantize {__version__}")
    return parser


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args(argv)
    written = [path for path in (arguments.output, arguments.report, arguments.page) if path]
    for path in written:
        if os.path.realpath(path) == os.path.realpath(arguments.model):
            parser.error(f"{path}: this is the model file itself")
    if len({os.path.realpath(path) for path in written}) < len(written):
        parser.error(f"{arguments.report or arguments.page}: the reports and the model cannot be one file")
    if arguments.most_error is not None and not 0 < arguments.most_error < 1000:
        parser.error("--most-error is above 0")
    if not 2 <= arguments.fit <= arguments.count <= 100_000:
        parser.error("--fit is at least 2 and no more than --count, which is at most 100000")
    least = 2 if arguments.most_error is None else 4  # half of them steer
    if not least <= arguments.check <= 100_000:
        parser.error(f"--check is {least} to 100000")
    for item in arguments.keep:
        if item.rpartition("=")[2] not in ("fp32", "int16") or not item.rpartition("=")[0]:
            parser.error(f"--keep {item}: not LAYER=fp32 or LAYER=int16")
    return arguments


def _read_model(path: str) -> Tuple[bytes, FoveaModel]:
    try:
        data = read_file(path)
        return data, read_fovea(data)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except IndexError as error:
        raise FormatError(f"malformed ({error})") from error


def _kept(model: FoveaModel, items: Sequence[str]) -> Dict[int, str]:
    names = dict(model.names)
    kept = {}
    for item in items:
        layer, _, kind = item.rpartition("=")
        if layer not in names:
            raise UsageError(f"--keep {layer}: the model has no layer of that name (see fovea info --taps)")
        kept[names[layer]] = kind
    return kept


def _photos(folders: Sequence[str], only: Optional[str], count: int, check: int, seed: int):
    """Photos to calibrate with and others to measure with: alike many of each folder, in an order that the seed draws."""
    wanted = None
    if only:
        try:
            with open(only, encoding="utf-8") as file:
                wanted = {line.strip() for line in file if line.strip()}
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{only}: cannot be read ({error})") from error
    lists: List[List[str]] = []
    for folder in folders:
        found = [path for path in files_below(folder, PHOTO_ENDINGS)
                 if wanted is None or os.path.splitext(os.path.basename(path))[0] in wanted]
        if not found:
            raise QuantizationError(f"{folder}: no photos (of {', '.join(PHOTO_ENDINGS)}{', named in ' + only if only else ''})")
        found.sort(key=lambda path: os.path.relpath(path, folder))
        random.Random(seed).shuffle(found)
        lists.append(found)
    drawn: List[str] = []
    while any(lists) and len(drawn) < count + check:
        drawn += [found.pop() for found in lists if found]
    drawn = drawn[: count + check]
    if len(drawn) < 4:
        raise QuantizationError(f"{len(drawn)} photos are too few to calibrate and to measure with")
    left = min(check, len(drawn) // 2) if len(drawn) < count + check else check
    return drawn[: len(drawn) - left], drawn[len(drawn) - left:]


def _hash(paths: Sequence[str]) -> str:
    """Of the pictures, in whatever folder they lie."""
    sums = []
    for path in paths:
        sums.append(hashlib.sha256(read_file(path)).hexdigest())
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()


def _golden(model: FoveaModel) -> List[bytes]:
    """Pictures for golden vectors: those of the float model, or made ones where it has none."""
    height, width, channels = *model.default_size, model.input_size[2]
    pixels = list(model.golden.pixels) if model.golden is not None and model.golden.height == height else []
    noise = np.random.RandomState(1)
    while len(pixels) < 2:
        pixels.append(noise.randint(0, 256, (height, width, channels)).astype(np.uint8).tobytes())
    return pixels


def _run(arguments: argparse.Namespace, tell) -> None:
    from ..engine import Engine
    from ..quantization import figures, report as reports
    from ..quantization.quantize import Quantizer, Settings, finished
    from ..reporting import quantization as pages
    for path in (arguments.report, arguments.page, arguments.output):
        if path:
            check_output(path)  # not after minutes
    if arguments.page:
        pages.templates()
    data, model = _read_model(arguments.model)
    sha256 = hashlib.sha256(data).hexdigest()
    if "TYPI" in read_sections(data):
        complain("fovea-quantize", "warning: the model's statistics of typical photos are of its floats and are left out; fovea-typicality makes those "
                 "of the result")
    settings = Settings(arguments.precision, arguments.nearest, arguments.fit, _kept(model, arguments.keep))
    calibration, others = _photos(arguments.photos, arguments.only, arguments.count, arguments.check, arguments.seed)
    if len(calibration) < LEAST_PHOTOS:
        complain("fovea-quantize", f"warning: {len(calibration)} photos to calibrate with; below {LEAST_PHOTOS} rare values are cut off")
    engine = Engine(arguments.fovea, *model.default_size)
    try:
        photo_hash = _hash(calibration)
        if not arguments.prepared:
            calibration = engine.pictures(arguments.model, calibration, tell)
            others = engine.pictures(arguments.model, others, tell)
        quantizer = Quantizer(engine, model, settings, tell)
        quantized = quantizer.quantize(calibration)
        widening: List[Dict[str, Any]] = []
        if arguments.most_error is not None:
            steering, others = others[: len(others) // 2], others[len(others) // 2:]
            quantized, widening = _widen(quantizer, quantized, calibration, steering, arguments.most_error)
            if widening[-1]["margin_rms_error"] > arguments.most_error:
                complain("fovea-quantize", f"warning: every layer that may has inputs of 16 bits, and the error is {widening[-1]['margin_rms_error']:.4f}")
        ratios = figures.signal_to_noise(quantizer, quantized, others[:LAYER_PHOTOS])
        report = {"tool": f"fovea_tools {__version__}", "model": {"name": os.path.basename(arguments.model), "sha256": sha256},
                  "photos": len(calibration), "photos_sha256": photo_hash, "seed": arguments.seed, "precision": arguments.precision,
                  "widening": widening, **figures.of_margin(quantizer, quantized, others),
                  "layers": figures.of_layers(quantizer, quantized, ratios)}
        provenance = {**dict(model.provenance), "quantised_from_sha256": sha256, "quantisation_photos": str(len(calibration)),
                      "quantisation_photos_sha256": photo_hash, "quantised_by": f"fovea_tools {__version__}, {arguments.precision}"}
        quantized.network.model = replace(model, provenance=list(provenance.items()))
        pixels = _golden(model)
        data = finished(engine, quantized, pixels)
    finally:
        engine.close()
    page = pages.to_html(report, {layer["layer"] for layer in reports.worst_layers(report)}) if arguments.page else ""
    if arguments.report:
        write_file(arguments.report, (json.dumps(report, indent=1) + "\n").encode())
    if arguments.page:
        write_file(arguments.page, page.encode())
    write_file(arguments.output, data)
    if not arguments.quiet:
        say(reports.to_text(report))
        say(f"{printable(arguments.output)}: written, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


def _widen(quantizer, quantized, calibration: Sequence[str], steering: Sequence[str], most: float):
    """The network with 16 bits where it loses most, and each round's error and what it widened."""
    from ..quantization import figures
    rounds: List[Dict[str, Any]] = []
    while True:
        error = figures.of_margin(quantizer, quantized, steering)["margin_rms_error"]
        rounds.append({"margin_rms_error": error, "then_16_bits": []})
        if error <= most:
            return quantized, rounds
        wider = quantizer.widened(quantized, figures.signal_to_noise(quantizer, quantized, steering[:LAYER_PHOTOS]))
        if wider is None:
            return quantized, rounds
        rounds[-1]["then_16_bits"] = [quantizer.network.label(value - 1) for value in sorted(wider.codes)
                                      if wider.codes[value] == 16 and quantized.choice.codes.get(value) == 8]
        quantized = quantizer.build(wider, calibration)


@tells_lack_of_memory("fovea-quantize")
def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = _parse(argv)

    def tell(text: str) -> None:
        if not arguments.quiet:
            complain("fovea-quantize", text)

    try:
        _run(arguments, tell)
    except (EngineError, QuantizationError) as error:
        complain("fovea-quantize", str(error))
        return EXIT_FAILED
    except UsageError as error:
        complain("fovea-quantize", str(error))
        return EXIT_WRONG_USAGE
    except FormatError as error:
        complain("fovea-quantize", f"{arguments.model}: {error}")
        return EXIT_BAD_MODEL
    except OSError as error:
        complain("fovea-quantize", f"{error.filename or 'output'}: {error.strerror}")
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
