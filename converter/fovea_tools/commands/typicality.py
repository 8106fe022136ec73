# SPDX-License-Identifier: Apache-2.0
"""fovea-typicality: what the photos that a detector knows look like to it, written into a .fovea model file."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from .. import __version__
from ..errors import CalibrationError, EngineError, UsageError, missing_library
from ..evaluation import EvaluationError
from ..file.fovea_file import FormatError, FoveaModel, read_fovea
from ..file.input_file import files_below, read_file
from ..file.output_file import check_output, write_file
from ..labels import LabelError
from ..terminal import Parser, complain, printable, say, show_progress, tells_lack_of_memory
from . import label_options

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_BAD_MODEL = 0, 1, 2, 4
# Of MobileNetV3 with the CBAM head: the pooled features, and a block in the middle (Large, Small).
KNOWN_TAPS = (("top_pool", "expanded_conv_8/Add"), ("top_pool", "expanded_conv_4/Add"))
FEWEST = 20         # photos for either purpose
ATYPICAL, REJECT = 0.05, 0.01
SHARE_ASIDE = 0.3   # of the photos, where no split says which

DESCRIPTION = """Fits Gaussians to the features of some of a detector's layers over photos that it was trained on, keeps scores of photos that
it was not trained on, and writes both into a copy of the model file (section TYPI). `fovea screen` then tells of every photo how typical it
is: what share of those photos were less so; under 5 % it is atypical, under 1 % rejected. Nothing else in the file changes, but for provenance."""

EXAMPLES = """examples:
  fovea screen --model a.fovea --format jsonl photos/ > results.jsonl
  fovea-typicality a.fovea results.jsonl labels.csv --photos photos --fovea fovea -o b.fovea
  fovea-typicality a.fovea results.jsonl --labels aptos=aptos.csv --labels idrid=idrid.csv --photos . --split split.csv \\
      --fovea fovea -o b.fovea

Photos that are not gradable are left out. With --split, its training photos are fitted to and its validation photos kept aside;
without, the photos' names decide. Exit status: 0 done; 1 data that do not do, with a message; 2 wrong usage; 4 a damaged model file.
For research use. Not a medical device."""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea-typicality", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.fovea", help="the detector")
    parser.add_argument("predictions", metavar="PREDICTIONS.jsonl",
                        help="what fovea screen --format jsonl (or fovea run with several inputs) wrote; - is standard input")
    label_options.add(parser)
    parser.add_argument("--photos", metavar="FOLDER", default=".", help="where the predictions' file names begin (default: here)")
    parser.add_argument("--prepared", action="store_true", help="the photos are pictures of the network's size, as fovea preprocess makes them")
    parser.add_argument("--fovea", metavar="PROGRAM", default="fovea", help="the fovea program, which computes the features (default: fovea)")
    parser.add_argument("--taps", metavar="LAYER,...", help="one to four layers (default: those of the shipped detectors, where the model has them)")
    parser.add_argument("--split", metavar="FILE.csv", help="which photo was used for what (columns name and side)")
    parser.add_argument("--compare", metavar="NAME=FOLDER", action="append", default=[],
                        help="also print how this score and the relative Mahalanobis score tell the photos in a folder from those kept aside; "
                             "may be given several times")
    parser.add_argument("--compare-limit", metavar="PHOTOS", type=int, default=0, help="of a folder so many, spread evenly by their names (default: all)")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the model file with statistics")
    parser.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
    parser.add_argument("--version", action="version", version=f"fovea-typicality {__version__}")
    return parser


def _taps(model: FoveaModel, wanted: Optional[str]) -> List[Tuple[str, int]]:
    """[(layer, value)]"""
    nodes = dict(model.names)
    if wanted is None:
        layers = next((taps for taps in KNOWN_TAPS if set(taps) <= set(nodes)), ())
        if not layers:
            raise UsageError("--taps: the model has none of the layers that are known here; name some (fovea info --taps lists them)")
    else:
        layers = tuple(dict.fromkeys(filter(None, wanted.split(","))))
        unknown = [layer for layer in layers if layer not in nodes]
        if unknown:
            raise UsageError(f"--taps {unknown[0]}: the model has no layer of that name (see fovea info --taps)")
        if not 1 <= len(layers) <= 4:
            raise UsageError("--taps: one to four layers")
    return [(layer, nodes[layer] + 1) for layer in layers]


def _aside(name: str) -> bool:
    """Whether a photo is kept aside, by its name alone: the same on every machine and for every order."""
    return int(hashlib.sha256(name.encode("utf-8")).hexdigest()[:8], 16) < SHARE_ASIDE * 0x100000000


def _sides(cases: Sequence, split: bool) -> Dict[str, List]:
    sides: Dict[str, List] = {"fit": [], "aside": []}
    for case in sorted((case for case in cases if case.gradable), key=lambda case: (case.source, case.name)):
        if split and case.part not in ("train", "validation"):
            continue
        kept_aside = case.part == "validation" if split else _aside(f"{case.source}/{case.patient or case.name}")
        sides["aside" if kept_aside else "fit"].append(case)
    for side, what in (("fit", "to fit to"), ("aside", "to keep aside")):
        if len(sides[side]) < FEWEST:
            raise CalibrationError(f"{len(sides[side])} photos {what}, {FEWEST} are needed; left out are those that are not gradable, have no "
                                   "label" + (", or that the split uses for neither" if split else ""))
    return sides


def _compared(wanted: Sequence[str], limit: int) -> Dict[str, List[str]]:
    """{name: photos of its folder}"""
    found: Dict[str, List[str]] = {}
    for item in wanted:
        name, separator, folder = item.partition("=")
        if not separator or name in ("", "fit", "aside", *found) or not os.path.isdir(folder):
            raise UsageError(f"--compare {item}: expected NAME=FOLDER, each name once, and none of fit and aside")
        photos = sorted(files_below(folder, (".jpg", ".jpeg", ".png")))
        if not photos:
            raise UsageError(f"--compare {item}: no photos")
        count = min(limit, len(photos)) if limit else len(photos)
        found[name] = [photos[i * len(photos) // count] for i in range(count)]
    return found


def _run(arguments: argparse.Namespace) -> None:
    # Only now, so that --help and a wrong option answer at once.
    import numpy as np

    from ..engine import Engine
    from ..evaluation import predictions, splits
    from ..evaluation.cases import Question, join
    from ..file.model_edit import replace_typicality
    from ..file.typicality import TapStatistics, TypicalityStatistics
    from ..typicality import comparison, features, statistics

    check_output(arguments.output)  # not after minutes
    data = read_file(arguments.model)
    model = read_fovea(data)
    taps = _taps(model, arguments.taps)
    split = splits.read(arguments.split) if arguments.split else None
    joined = join(predictions.read(arguments.predictions).predictions, label_options.read(arguments), Question("any"), split)
    for problem in joined.problems:
        complain("fovea-typicality", f"warning: {problem.line(3)}")
    sides = _sides(joined.cases, split is not None)
    others = _compared(arguments.compare, arguments.compare_limit)

    def tell(text: str) -> None:
        if not arguments.quiet:
            show_progress(text)

    found, engine = {}, Engine(arguments.fovea, *model.default_size)
    try:
        for side, cases in sides.items():
            pictures = [os.path.join(arguments.photos, case.prediction.file) for case in cases]
            if not arguments.prepared:
                pictures = engine.pictures(arguments.model, pictures, tell)
            found[side] = features.extract(engine, arguments.model, [layer for layer, _ in taps], pictures,
                                           lambda done, side=side, cases=cases: tell(f"{side}: {done} of {len(cases)} photos"))
            tell("")
        for name, photos in others.items():
            pictures = photos if arguments.prepared else engine.pictures(arguments.model, photos, tell)
            found[name] = features.extract(engine, arguments.model, [layer for layer, _ in taps], pictures, lambda done: None)
    finally:
        engine.close()
    classes = np.array([int(case.positive) for case in sides["fit"]])
    gaussians = [statistics.fit(values, classes) for values in found["fit"]]
    scores = [gaussian.score(values) for gaussian, values in zip(gaussians, found["aside"])]
    rows = [np.sort(score.astype(np.float32)) for score in scores]
    smallest = np.min([statistics.shares_below(row, score.astype(np.float32)) for row, score in zip(rows, scores)], axis=0)
    size = model.default_size
    section = TypicalityStatistics(size, (ATYPICAL, REJECT), np.sort(smallest), [
        TapStatistics(value, gaussian.rest_variance, row, gaussian.means, gaussian.variances, gaussian.directions)
        for (_, value), gaussian, row in zip(taps, gaussians, rows)])
    if others:
        say(comparison.markdown(comparison.compared(found["fit"], classes, found["aside"], {printable(name): found[name] for name in others},
                                                    (ATYPICAL, REJECT))))
    counts = {side: len(cases) for side, cases in sides.items()}
    changed = replace_typicality(data, section, {
        "typicality_photos": f"{counts['fit']} fitted to, {counts['aside']} kept aside; layers {', '.join(layer for layer, _ in taps)}"})
    write_file(arguments.output, changed)
    if not arguments.quiet:
        for (layer, _), gaussian, values in zip(taps, gaussians, found["fit"]):
            say(f"{printable(layer)}: {values.shape[1]} features of {counts['fit']} photos, {len(gaussian.variances)} directions, "
                f"shrinkage {gaussian.shrinkage:.4f}")
        say(f"{printable(arguments.output)}: written, {counts['aside']} photos kept aside, {(len(changed) - len(data)) / 1024:.0f} KiB more, "
            f"sha256 {hashlib.sha256(changed).hexdigest()}")


@tells_lack_of_memory("fovea-typicality")
def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    label_options.check(parser, arguments)
    if os.path.realpath(arguments.output) in {os.path.realpath(path) for path in (arguments.model, arguments.predictions)}:
        parser.error(f"{arguments.output}: would overwrite another file of this command")
    try:
        _run(arguments)
    except UsageError as error:
        complain("fovea-typicality", str(error))
        return EXIT_USAGE
    except (CalibrationError, EngineError, EvaluationError, LabelError) as error:
        complain("fovea-typicality", str(error))
        return EXIT_FAILED
    except (FormatError, IndexError) as error:
        complain("fovea-typicality", f"{arguments.model}: {error}")
        return EXIT_BAD_MODEL
    except OSError as error:
        complain("fovea-typicality", f"{error.filename or arguments.model}: {error.strerror or error}")
        return EXIT_FAILED
    except ImportError as error:
        complain("fovea-typicality", missing_library(error))
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
