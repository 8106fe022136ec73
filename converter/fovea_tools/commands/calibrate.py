# SPDX-License-Identifier: Apache-2.0
"""fovea-calibrate: temperature and operating points from validation photos, written into a .fovea model file."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .. import __version__
from ..errors import CalibrationError, UsageError, missing_library
from ..evaluation import EvaluationError
from ..file.fovea_file import TARGETS, FormatError, FoveaModel, read_fovea
from ..file.input_file import read_file
from ..file.output_file import write_file
from ..labels import LabelError
from ..terminal import Parser, complain, printable, say, tells_lack_of_memory
from . import label_options

EXIT_OK, EXIT_FAILED, EXIT_BAD_MODEL = 0, 1, 4
POINTS = ("balanced", "sensitivity_95", "specificity_95")

DESCRIPTION = """Fits the temperature (least negative log-likelihood) and chooses the operating points balanced (sensitivity and specificity
alike), sensitivity_95 and specificity_95 on photos that the detector was not trained on, and writes them into a copy of the model file.
Nothing else in the file changes, but for provenance: how many photos, and a hash that tells which."""

EXAMPLES = """examples:
  fovea screen --model a.fovea --format jsonl photos/ | fovea-calibrate a.fovea - labels.csv -o calibrated.fovea
  fovea-calibrate a.fovea results.jsonl --labels aptos=aptos.csv --labels idrid=idrid.csv --balance --split split.csv \\
      -o calibrated.fovea --report calibration.json
  fovea-calibrate a.fovea results.jsonl labels.csv --in-place --default-operating-point sensitivity_95

The predictions must be by this very model file. Exit status: 0 done; 1 data that do not do, with a message; 2 wrong usage;
4 a damaged model file. For research use. Not a medical device."""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea-calibrate", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.fovea", help="the model that made the predictions")
    parser.add_argument("predictions", metavar="PREDICTIONS.jsonl",
                        help="what fovea screen --format jsonl (or fovea run with several inputs) wrote; - is standard input")
    label_options.add(parser)
    parser.add_argument("--split", metavar="FILE.csv", help="which photo was used for what (columns name and side): only validation counts")
    parser.add_argument("--balance", action="store_true",
                        help="every source counts alike, and in it both classes; default: every photo counts alike")
    parser.add_argument("--skip-unlabelled", action="store_true", help="leave photos out whose label is missing, instead of refusing")
    parser.add_argument("--default-operating-point", metavar="NAME", choices=POINTS,
                        help="the point by which the model decides (default: its present one where it is among them, else balanced)")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("-o", "--output", metavar="FILE", help="the calibrated model file")
    place.add_argument("--in-place", action="store_true", help="replace the model file, in one step, when all is done")
    parser.add_argument("--report", metavar="FILE.json", help="write the figures there")
    parser.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
    parser.add_argument("--version", action="version", version=f"fovea-calibrate {__version__}")
    return parser


def _same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:     # one of them is not there, or cannot be read, which is told where it is
        return os.path.realpath(one) == os.path.realpath(other)


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args(argv)
    label_options.check(parser, arguments)
    if arguments.output and _same_file(arguments.output, arguments.model):
        parser.error("-o: this is the model file itself; --in-place replaces it")
    used = [arguments.model, *(path for _, path in arguments.label_paths), arguments.split, arguments.predictions]
    for path in (arguments.output, arguments.report):
        if path and any(_same_file(path, other) for other in used if other not in (None, "-")):
            parser.error(f"{path}: would overwrite another file of this command")
        used.append(path)
    return arguments


def _read_model(path: str) -> Tuple[bytes, FoveaModel]:
    try:
        data = read_file(path)
        return data, read_fovea(data)
    except IndexError as error:
        raise FormatError(f"malformed ({error})") from error


def _default_point(model: FoveaModel, wanted: Optional[str]) -> str:
    present = model.operating_points[model.default_point][0] if model.operating_points and model.default_point is not None else ""
    return wanted or (present if present in POINTS else POINTS[0])


def _provenance(report: Dict[str, Any]) -> Dict[str, str]:
    photos = report["photos"]
    sources = ", ".join(f"{name} {count['photos']}" for name, count in photos["sources"].items())
    return {"calibration_photos": f"{photos['used']}: {sources}; {report['weights']}", "calibration_data_sha256": photos["sha256"]}


def _any_dr_points(model: FoveaModel, photos: Any, temperature: float, balance: bool) -> Dict[str, float]:
    """Of five grades, whose other operating points are about referable DR, those for any DR."""
    from .. import calibration, calibration_data
    if TARGETS[model.target] != "grade5":
        return {}
    ill = (photos.classes >= 1).astype(int)
    score = calibration_data.score_from(calibration.softmax(photos.logits, temperature), 1)
    return calibration.operating_points(score, ill, calibration.cell_weights(photos.sources, ill) if balance else None)


def calibrate(arguments: argparse.Namespace, data: bytes, model: FoveaModel) -> Tuple[bytes, Dict[str, Any], str, List[str]]:
    """The calibrated file, the report, the report for people, and warnings."""
    # Only now, so that --help and a wrong option answer at once.
    from .. import calibration, calibration_data, calibration_report
    from ..evaluation import predictions, splits
    from ..file.model_edit import replace_calibration
    calibration_data.check_model(model, arguments.model)
    sha256 = hashlib.sha256(data).hexdigest()
    file = predictions.read(arguments.predictions)
    origin = calibration_data.check_origin(file, sha256, arguments.model)
    split = splits.read(arguments.split) if arguments.split else None
    photos = calibration_data.gather(model, file, label_options.read(arguments), split, arguments.skip_unlabelled)
    weights = calibration.cell_weights(photos.sources, photos.positive) if arguments.balance else None
    fit = calibration.fit_temperature(photos.logits, photos.classes, weights)
    calibration_data.check_fit(fit)
    score = calibration_data.positive_score(calibration.softmax(photos.logits, fit.value), model)
    points = calibration.operating_points(score, photos.positive, weights)
    any_dr = _any_dr_points(model, photos, fit.value, arguments.balance)
    default = _default_point(model, arguments.default_operating_point)
    report = {"tool": f"fovea_tools {__version__}", "model": {"file": arguments.model, "sha256": sha256},
              **calibration_report.figures(model, photos, fit, points, default, weights),
              **({"any_dr_operating_points": [{"name": name, "threshold": threshold} for name, threshold in any_dr.items()]} if any_dr else {})}
    changed = replace_calibration(data, fit.value, list(points.items()), list(points).index(default), _provenance(report), list(any_dr.items()))
    report["calibrated"] = {"file": arguments.output or arguments.model, "sha256": hashlib.sha256(changed).hexdigest()}
    dropped = [name for name, _ in model.operating_points if name not in points]
    warnings = [problem.line(3) for problem in origin] + calibration_report.warnings(report)
    if dropped:
        warnings.append(f"the operating points {', '.join(dropped)} are dropped: their thresholds were for another temperature")
    return changed, report, calibration_report.text(report), warnings


def _run(arguments: argparse.Namespace) -> None:
    data, model = _read_model(arguments.model)
    changed, report, text, warnings = calibrate(arguments, data, model)
    for warning in warnings:
        complain("fovea-calibrate", f"warning: {warning}")
    target = os.path.realpath(arguments.model) if arguments.in_place else arguments.output
    if arguments.report:
        write_file(arguments.report, (json.dumps(report, indent=1) + "\n").encode("utf-8"))
    write_file(target, changed)
    if not arguments.quiet:
        say(f"{text}\n{printable(target)}: written, sha256 {report['calibrated']['sha256']}")


@tells_lack_of_memory("fovea-calibrate")
def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = _parse(argv)
    try:
        _run(arguments)
    except (CalibrationError, EvaluationError, LabelError, UsageError) as error:
        complain("fovea-calibrate", str(error))
        return EXIT_FAILED
    except FormatError as error:
        complain("fovea-calibrate", f"{arguments.model}: {error}")
        return EXIT_BAD_MODEL
    except ImportError as error:
        complain("fovea-calibrate", missing_library(error))
        return EXIT_FAILED
    except OSError as error:
        complain("fovea-calibrate", f"{error.filename or 'output'}: {error.strerror}")
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
