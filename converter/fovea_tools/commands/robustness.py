# SPDX-License-Identifier: Apache-2.0
"""fovea-robustness: what a detector makes of pictures that were changed to deceive it."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
from typing import Any, Dict, List, Optional, Sequence

from .. import __version__
from ..errors import CalibrationError, EngineError, UsageError, missing_library
from ..evaluation import EvaluationError
from ..file.fovea_file import FormatError, FoveaModel, read_fovea, read_sections
from ..file.input_file import read_file
from ..file.output_file import check_output, write_file
from ..file.picture_file import read_picture
from ..labels import LabelError
from ..terminal import Parser, complain, say, show_progress, tells_lack_of_memory
from . import label_options

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_BAD_MODEL = 0, 1, 2, 4
EPSILONS = "0.25,0.5,1,2,4"

DESCRIPTION = """Attacks a detector by FGSM and by PGD through the engine's own gradient: each picture that the network sees is changed by at most
epsilon grey levels (of 255) a value, away from the truth. Tells for each epsilon what is left of accuracy, sensitivity and specificity, and how
many of the attacked pictures typicality finds. The attacker knows everything: it is a bound from below, not what happens by chance."""

EXAMPLES = """examples:
  fovea screen --model a.fovea --format jsonl photos/ > results.jsonl
  fovea-robustness a.fovea results.jsonl labels.csv --photos photos --limit 200 -o table.md --json figures.json

Photos that are not gradable are left out. Exit status: 0 done; 1 data that do not do, with a message; 2 wrong usage; 4 a model that has no gradient.
For research use. Not a medical device."""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea-robustness", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.fovea", help="the detector")
    parser.add_argument("predictions", metavar="PREDICTIONS.jsonl", help="what fovea screen --format jsonl wrote of the photos; - is standard input")
    label_options.add(parser)
    parser.add_argument("--photos", metavar="FOLDER", default=".", help="where the predictions' file names begin (default: here)")
    parser.add_argument("--prepared", action="store_true", help="the photos are PNGs of the network's size, as fovea preprocess makes them")
    parser.add_argument("--limit", metavar="PHOTOS", type=int, default=0, help="so many photos, spread evenly over all by their names (default: all)")
    parser.add_argument("--epsilons", metavar="NUMBER,...", default=EPSILONS, help=f"grey levels of 255 (default: {EPSILONS})")
    parser.add_argument("--steps", metavar="NUMBER", type=int, default=10, help="of PGD (default: 10)")
    parser.add_argument("--seed", metavar="NUMBER", type=int, default=1, help="of PGD's beginnings (default: 1)")
    parser.add_argument("--fovea", metavar="PROGRAM", default="fovea", help="the fovea program (default: fovea)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the table here as Markdown (default: standard output)")
    parser.add_argument("--json", metavar="FILE", help="write the figures here")
    parser.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
    parser.add_argument("--version", action="version", version=f"fovea-robustness {__version__}")
    return parser


def parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args(argv)
    label_options.check(parser, arguments)
    try:
        arguments.epsilons = sorted({float(text) for text in arguments.epsilons.split(",")})
    except ValueError:
        parser.error("--epsilons: numbers with commas between")
    if not all(0 < epsilon <= 255 for epsilon in arguments.epsilons):
        parser.error("--epsilons: above 0 and at most 255")
    if arguments.limit < 0 or arguments.steps < 1 or arguments.seed < 0:
        parser.error("--limit, --steps, --seed: a number of that is none")
    return arguments


def _chosen(cases: Sequence, limit: int) -> List:
    gradable = sorted((case for case in cases if case.gradable), key=lambda case: (case.source, case.name))
    if not gradable:
        raise CalibrationError("no gradable photo has a label")
    count = min(limit, len(gradable)) if limit else len(gradable)
    return [gradable[i * len(gradable) // count] for i in range(count)]


def _threshold(model: FoveaModel) -> float:
    return model.operating_points[model.default_point][1] if model.operating_points and model.default_point is not None else 0.5


def _rates(called: Any, positive: Any) -> Dict[str, Optional[float]]:
    right = called == positive
    return {"accuracy": float(right.mean()),
            "sensitivity": float(right[positive].mean()) if positive.any() else None,
            "specificity": float(right[~positive].mean()) if (~positive).any() else None}


def _figures(arguments: argparse.Namespace) -> Dict[str, Any]:
    # Only now, so that --help and a wrong option answer at once.
    import numpy as np

    from ..attacks import attack
    from ..calibration import softmax
    from ..calibration_data import LABEL_TARGETS, check_model, positive_score
    from ..engine import Engine
    from ..evaluation import predictions
    from ..evaluation.cases import Question, join
    from ..file.fovea_file import OUTPUT_SOFTMAX, TARGETS
    from ..file.typicality import read_typicality
    from ..typicality import features, statistics

    for path in (arguments.json, arguments.output):
        if path:
            check_output(path)  # not after minutes
    data = read_file(arguments.model)
    model = read_fovea(data)
    check_model(model, arguments.model)
    if model.output_form != OUTPUT_SOFTMAX:
        raise CalibrationError(f"{arguments.model}: its outputs are no softmax over classes")
    if model.codes:
        raise FormatError("the model computes in whole numbers of 8 bits, which have no gradient; attack the one it was made of")
    section = read_sections(data).get("TYPI")
    known = read_typicality(section) if section is not None else None
    question = Question(LABEL_TARGETS[TARGETS[model.target]])
    joined = join(predictions.read(arguments.predictions).predictions, label_options.read(arguments), question, None)
    for problem in joined.problems:
        complain("fovea-robustness", f"warning: {problem.line(3)}")
    cases = _chosen(joined.cases, arguments.limit)
    positive = np.array([case.positive for case in cases])
    threshold = _threshold(model)
    layers = [] if known is None else [next(name for name, node in model.names if node == tap.value - 1) for tap in known.taps]

    def tell(text: str) -> None:
        if not arguments.quiet:
            show_progress(text)

    engine = Engine(arguments.fovea, *model.default_size)
    path = os.path.abspath(arguments.model)

    def judged(name: str, epsilon: float, pictures: Sequence[Any]) -> Dict[str, Any]:
        score = positive_score(softmax(attack.logits(engine, path, pictures), model.temperature), model)
        row = {"attack": name, "epsilon": epsilon, **_rates(score >= threshold, positive), "atypical": None, "rejected": None}
        if known is not None:
            files = engine.float_files(pictures)
            shares = statistics.shares_of(known, features.extract(engine, path, layers, files, lambda done: None))
            engine.forget(files)
            row["atypical"], row["rejected"] = float((shares < known.limits[0]).mean()), float((shares < known.limits[1]).mean())
        return row

    try:
        photos = [os.path.abspath(os.path.join(arguments.photos, case.prediction.file)) for case in cases]
        paths = photos if arguments.prepared else engine.pictures(path, photos, tell)
        targets = [attack.Target(np.asarray(read_picture(picture).convert("RGB")), -1 if case.positive else 1) for picture, case in zip(paths, cases)]
        rows = [judged("none", 0.0, [target.pixels for target in targets])]
        slopes = attack.gradients(engine, path, [target.pixels for target in targets])
        for epsilon in arguments.epsilons:
            tell(f"epsilon {epsilon:g}: FGSM")
            rows.append(judged("FGSM", epsilon, attack.fgsm(targets, slopes, epsilon)))
            tell(f"epsilon {epsilon:g}: PGD")
            rows.append(judged("PGD", epsilon, attack.pgd(engine, path, targets, epsilon, arguments.steps, arguments.seed)))
        tell("")
    finally:
        engine.close()
    return {"model": pathlib.Path(arguments.model).stem, "photos": len(cases), "positive": int(positive.sum()), "threshold": threshold,
            "steps": arguments.steps, "seed": arguments.seed, "attacks": rows}


def markdown(figures: Dict[str, Any]) -> str:
    def share(value: Optional[float]) -> str:
        return "–" if value is None else f"{value:.3f}"

    lines = [
        f"### Attacks on {figures['model']}", "",
        f"{figures['photos']} gradable photos, {figures['positive']} of them with DR; each value of what the network sees within the eye changed by at "
        f"most ε grey levels of 255, against the truth, through the engine's gradient of the margin. PGD: {figures['steps']} steps from a random "
        "beginning. Atypical, rejected: the share of the pictures that typicality finds, whatever the verdict.", "",
        "| attack | ε | accuracy | sensitivity | specificity | atypical | rejected |", "|--|--|--|--|--|--|--|",
    ]
    for row in figures["attacks"]:
        shares = " | ".join(share(row[name]) for name in ("accuracy", "sensitivity", "specificity", "atypical", "rejected"))
        lines.append(f"| {row['attack']} | {row['epsilon']:g} | {shares} |")
    return "\n".join(lines) + "\n"


@tells_lack_of_memory("fovea-robustness")
def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = parse(argv)
    try:
        figures = _figures(arguments)
        text = markdown(figures)
        if arguments.json:
            write_file(arguments.json, (json.dumps(figures, indent=2) + "\n").encode("utf-8"))
        if arguments.output:
            write_file(arguments.output, text.encode("utf-8"))
        else:
            say(text)
    except UsageError as error:
        complain("fovea-robustness", str(error))
        return EXIT_USAGE
    except (CalibrationError, EngineError, EvaluationError, LabelError) as error:
        complain("fovea-robustness", str(error))
        return EXIT_FAILED
    except FormatError as error:
        complain("fovea-robustness", f"{arguments.model}: {error}")
        return EXIT_BAD_MODEL
    except OSError as error:
        complain("fovea-robustness", f"{error.filename or arguments.model}: {error.strerror or error}")
        return EXIT_FAILED
    except ImportError as error:
        complain("fovea-robustness", missing_library(error))
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
