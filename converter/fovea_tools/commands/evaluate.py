# SPDX-License-Identifier: Apache-2.0
"""fovea-evaluate: how good is a detector on labelled photos."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from .. import __version__, labels
from ..errors import UsageError, missing_library
from ..evaluation import EvaluationError
from ..file.output_file import write_file
from ..terminal import Parser, complain, printable, say, tells_lack_of_memory
from . import label_options

if TYPE_CHECKING:
    from ..evaluation.cases import Case
    from ..evaluation.figures import Rule

DESCRIPTION = """Holds the results of `fovea screen --format jsonl` against labels: sensitivity, specificity, AUC and more with intervals,
by source and pooled, by photo and by patient, on gradable photos and counting ungradable ones as referred; the thesis's tables; plots."""

EXAMPLES = """examples:
  fovea screen --model small224.fovea --format jsonl photos/ | fovea-evaluate - labels.csv
  fovea-evaluate results.jsonl labels.csv --out report          # report/evaluation.html and report/evaluation.json
  fovea-evaluate results.jsonl labels.csv --out report --photos photos/     # the page shows the photos of wrong answers
  fovea-evaluate results.jsonl --labels aptos=aptos/labels.csv --labels idrid=idrid/labels.csv --split split.csv --out report
  fovea-evaluate results.jsonl labels.csv --target referable --macular-edema 1
  fovea-evaluate results.jsonl labels.csv --threshold 0.2 --per patient
  fovea-evaluate results.jsonl labels.csv --patient-column "patient id" --out report     # both eyes of a patient, whatever the photos' names
  fovea-evaluate results.jsonl ours.csv --columns photo=picture,grade=icdr

Label files: APTOS, EyePACS, IDRiD, Messidor, Messidor-2, EyeQ, ODIR are known by their headers; your own needs the columns file and
grade (0 to 4; -1: retinopathy of unknown grade) or dr (yes, no), and may have patient, eye, gradable, edema, site.
A patient's eyes are known by the photos' names (123_left.jpg, 123-OD.png, 7_l2.jpg) or by columns. A patient is positive when an eye is, called so when
a photo is, and not gradable when an eye has no gradable photo and nothing else is called positive.
With several sources a photo belongs to the source whose name is the name of one of its folders, where two sources have its name.
Exit status: 0 done, 1 failed with a message, 2 wrong usage. For research use. Not a medical device."""


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea-evaluate", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", metavar="PREDICTIONS.jsonl", help="what fovea screen wrote; - is standard input")
    label_options.add(parser)
    parser.add_argument("--target", choices=labels.TARGETS,
                        help="what is positive: any DR (grade 1 or more) or referable DR (2 or more); default: the model's target")
    parser.add_argument("--macular-edema", metavar="RISK", type=int, choices=(1, 2),
                        help="with --target referable: a risk of macular oedema from RISK on is referable too")
    parser.add_argument("--split", metavar="FILE.csv", help="which photo was used for what (columns name and side): figures by side")
    parser.add_argument("--threshold", metavar="T", type=_share, help="call photos positive from this score on; default: as the model did")
    parser.add_argument("--per", choices=("photo", "patient"),
                        help="count photos alone, or patients alone (default: photos, and beside them patients where any has several photos)")
    parser.add_argument("--patient-column", metavar="COLUMN",
                        help="the column of the label files that names the patient (default: what the data set has, else the photos' names)")
    parser.add_argument("--model", metavar="NAME", help="where the file has several: name, dtype, operating point or start of the SHA-256")
    parser.add_argument("--use-forced", action="store_true", help="photos of rejected quality with a result by --force count as gradable")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path, help="write evaluation.html and evaluation.json there")
    parser.add_argument("--title", default="Evaluation of a fovea detector", help="title of the page")
    parser.add_argument("--photos", metavar="FOLDER", type=pathlib.Path,
                        help="where the photos lie: the page shows those of the wrong answers. It then holds photos of eyes: mind who gets it")
    parser.add_argument("--examples", metavar="N", type=_count, default=20, help="wrong answers to list on the page (default 20)")
    parser.add_argument("--version", action="version", version=f"fovea-evaluate {__version__}")
    return parser


def parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args(argv)
    label_options.check(parser, arguments)
    if arguments.photos and not arguments.out:
        parser.error("--photos needs --out: the page shows them")
    if arguments.macular_edema and arguments.target != "referable":
        parser.error("--macular-edema needs --target referable")
    if arguments.patient_column is not None and "patient" in arguments.roles:
        parser.error("--patient-column and --columns patient=... both name the patient's column")
    return arguments


@dataclasses.dataclass(frozen=True)
class Evaluation:
    document: Dict[str, Any]
    cases: List["Case"]         # what the figures count, photos or patients
    patients: List["Case"]      # those shown beside the photos; none where patients are not shown or are the cases
    rule: "Rule"


def evaluation(arguments: argparse.Namespace) -> Evaluation:
    """What parsed arguments ask for, with what the plots need."""
    # Only now, so that --help and a wrong option answer at once.
    from ..evaluation import evaluate, figures, patients, predictions, splits
    from ..evaluation.cases import Question, join
    file = predictions.read(arguments.predictions)
    setting, chosen, problems = predictions.choose_setting(
        file.predictions, arguments.model, "choose one by name, dtype, operating point or start of the SHA-256 with --model")
    rule = figures.make_rule(setting, arguments.target, arguments.threshold)
    named = label_options.read(arguments, arguments.patient_column)
    split = splits.read(arguments.split) if arguments.split else None
    question = Question(rule.target, arguments.macular_edema, arguments.use_forced, arguments.per == "patient")
    joined = join(chosen, named, question, split)
    cases, beside = joined.cases, []
    problems = [*problems, *evaluate.prediction_problems(file, chosen, rule), *joined.problems]
    if arguments.per != "photo":
        told = joined if question.by_patient else join(chosen, named, dataclasses.replace(question, by_patient=True), split)
        combined, noticed = patients.combine(told, rule)
        if question.by_patient:
            cases = combined
        elif patients.have_several_photos(told):
            beside = combined
        problems += noticed if cases is combined or beside else []
    if not cases:
        raise EvaluationError("no photo is left to evaluate: " + "; ".join(problem.line(3) for problem in problems))
    inputs = evaluate.Inputs(file, named, split)
    document = evaluate.document(arguments.title, inputs, rule, question, joined, problems, cases, beside, arguments.examples)
    return Evaluation(document, cases, beside, rule)


def _plots(found: Evaluation) -> Dict[str, List[Tuple[str, str]]]:
    """By part: the plots of its cases, and those of its patients."""
    from ..evaluation import plots
    drawn = {}
    for part in found.document["parts"]:
        drawn[part["part"]] = plots.draw(plots.curves(found.cases, part, found.rule), found.rule.threshold)
        if part["patients"]:
            curves = plots.curves(found.patients, {"part": part["part"], **part["patients"]}, found.rule)
            drawn[part["part"]] += [(f"By patient. {caption}", svg) for caption, svg in plots.draw(curves, found.rule.threshold)]
    return drawn


def _run(arguments: argparse.Namespace) -> str:
    """Writes the files that were asked for; the text for standard output."""
    found = evaluation(arguments)
    document = found.document
    from ..evaluation import report
    shown: Dict[str, str] = {}
    if arguments.photos:
        from ..evaluation import thumbnails
        if not arguments.photos.is_dir():
            raise UsageError(f"--photos {arguments.photos}: no such folder")
        shown, missing = thumbnails.of_files(arguments.photos, [mistake["file"] for mistake in document["mistakes"]])
        if missing:
            document["problems"].append({"kind": "not_shown", "message": "photos of wrong answers cannot be shown", "count": len(missing),
                                         "names": [printable(name) for name in missing]})
    text = report.to_text(document)
    if arguments.out:
        page = report.to_html(document, _plots(found), shown)
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_file(str(arguments.out / "evaluation.json"), report.to_json(document).encode())
        write_file(str(arguments.out / "evaluation.html"), page.encode())
        text += printable(f"written: {arguments.out / 'evaluation.html'}, {arguments.out / 'evaluation.json'}") + "\n"
    return text


@tells_lack_of_memory("fovea-evaluate")
def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = parse(argv)
    try:
        say(_run(arguments))
    except (EvaluationError, labels.LabelError, UsageError) as error:
        complain("fovea-evaluate", str(error))
        return 1
    except ImportError as error:
        complain("fovea-evaluate", missing_library(error))
        return 1
    except OSError as error:
        complain("fovea-evaluate", f"{error.filename or 'output'}: {error.strerror}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
