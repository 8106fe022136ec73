# SPDX-License-Identifier: Apache-2.0
"""fovea-report: a page of screened photos, for people."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
from typing import List, Optional, Sequence

from .. import __version__, progress
from ..errors import UsageError, missing_library
from ..evaluation import EvaluationError
from ..file.input_file import read_file
from ..file.output_file import write_file
from ..reporting import ReportError
from ..tables import TableError
from ..terminal import Parser, complain, tells_lack_of_memory

DESCRIPTION = """Makes one HTML page of the results of `fovea screen`: the photos, each with its verdict, what to do about its quality, and warnings;
of a batch, to filter and sort, or of one patient, both eyes side by side. The page is one file, needs no network and prints well."""

EXAMPLES = """examples:
  fovea screen --model small224.fovea --format jsonl --output results.jsonl photos/
  fovea-report results.jsonl -o report.html
  fovea-report results.jsonl -o report.html --photos /archive/photos --model small224.fovea    # and what is known of the detector
  fovea-report results.jsonl -o 123.html --patient 123                       # by the names 123_left.jpg and 123_right.jpg
  fovea-report results.jsonl -o anna.html --patients who.csv --patient "A. K."    # columns file, patient and, if you like, eye
  fovea-report results.jsonl -o report.html --no-photos

Photos are looked for where the results say, then below the folder of the results; only the very files that were screened are shown, small, and
without anything that the files say besides the picture. Of their paths the page holds the names alone. A heat map that a result names
(explanation.overlay) is looked for below the folder of the results, or --maps.
What the detector was never tested on is taken from the model file, or the card beside it (small224.md beside small224.fovea).
Exit status: 0 done, 1 failed with a message, 2 wrong usage, 3 the page is written, but without some photos or heat maps, each named in it.
For research use. Not a medical device."""

SIDE = 320              # pixels of the longer side of a photo in a batch
SIDE_OF_PATIENT = 720
MOST_PICTURES = 5000    # photos on a page that browsers still bear
NAMED = 3               # photos that standard error names


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea-report", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS.jsonl", help="what fovea screen wrote as jsonl or json; - is standard input")
    parser.add_argument("-o", "--output", metavar="PAGE.html", required=True, help="the page")
    parser.add_argument("--photos", metavar="FOLDER", type=pathlib.Path, help="look for the photos below this folder alone")
    parser.add_argument("--maps", metavar="FOLDER", type=pathlib.Path, help="look for heat maps below this folder")
    parser.add_argument("--no-photos", action="store_true", help="show no photo: the page then holds names and results alone")
    parser.add_argument("--patient", metavar="NAME", help="the page of this patient alone")
    parser.add_argument("--patients", metavar="TABLE.csv",
                        help="whose photos they are: columns file and patient, and eye (left, right) if there is one; default: their names tell")
    parser.add_argument("--model", metavar="MODEL.fovea", type=pathlib.Path,
                        help="the model that gave the results: the page then says what is known of it. Where the results are of several, those of this one")
    parser.add_argument("--title", help="title of the page")
    parser.add_argument("--version", action="version", version=f"fovea-report {__version__}")
    return parser


def parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.no_photos and (arguments.photos or arguments.maps):
        parser.error("--no-photos leaves nothing to look for in a folder")
    if arguments.patient == "":
        parser.error("--patient: the name is empty")
    if arguments.output == "-":
        parser.error("--output: the page needs a file")
    if arguments.model and os.path.exists(arguments.model) and not os.path.isfile(arguments.model):
        parser.error(f"--model {arguments.model}: no regular file")
    inputs = [arguments.results, arguments.patients, str(arguments.model) if arguments.model else None]
    if any(name and name != "-" and _same_file(name, arguments.output) for name in inputs):
        parser.error(f"--output {arguments.output}: is read, too")
    for option, folder in (("--photos", arguments.photos), ("--maps", arguments.maps)):
        if folder is not None and not os.path.isdir(folder):
            parser.error(f"{option} {folder}: no such folder")
    return arguments


def _same_file(one: str, other: str) -> bool:
    return pathlib.Path(one).resolve() == pathlib.Path(other).resolve()


def _run(arguments: argparse.Namespace) -> List[str]:
    """Writes the page; the photos that it could not show, with the cause."""
    # Only now, so that --help and a wrong option answer at once.
    import hashlib

    from ..evaluation import predictions
    from ..reporting import background, document, page, people, pictures
    file = predictions.read(arguments.results)
    wanted = hashlib.sha256(read_file(arguments.model)).hexdigest() if arguments.model else None
    setting, chosen, _ = predictions.choose_setting(
        file.predictions, wanted, "choose one model with --model, and keep results by several operating points in several files")
    items = document.items_of(chosen, people.People(arguments.patients))
    repeated = len(chosen) - len(items)
    if arguments.patient is not None:
        items = document.of_patient(items, arguments.patient)
    if not arguments.no_photos:
        if len(items) > MOST_PICTURES:
            raise ReportError(f"{len(items)} photos are too many for one page ({MOST_PICTURES}); make pages of parts of them (fovea screen --shard), "
                              "or one without photos (--no-photos)")
        folder = pathlib.Path() if arguments.results == "-" else pathlib.Path(arguments.results).parent
        places = pictures.Places(folder, arguments.photos, arguments.maps)
        side = SIDE if arguments.patient is None else SIDE_OF_PATIENT
        items = document.with_pictures(progress.shown(items, "photos"), lambda prediction: pictures.of(prediction, places, side))
    known = background.read(arguments.model) if arguments.model else background.Background()
    title = arguments.title or ("Screening of photos" if arguments.patient is None else "Screening of a patient")
    text = page.to_html(document.document(title, setting, items, known, arguments.patient is not None, repeated))
    write_file(arguments.output, text.encode("utf-8"))
    if file.truncated:
        complain("fovea-report", file.truncated)
    # A photo that could not be read when it was screened is no news.
    return [f"{item.prediction.file}: {item.pictures.missing}" for item in items if item.pictures.missing and item.outcome != "error"]


@tells_lack_of_memory("fovea-report")
def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = parse(argv)
    try:
        missing = _run(arguments)
    except (EvaluationError, ReportError, TableError, UsageError) as error:
        complain("fovea-report", str(error))
        return 1
    except ImportError as error:
        complain("fovea-report", missing_library(error))
        return 1
    except OSError as error:
        complain("fovea-report", f"{error.filename or 'output'}: {error.strerror}")
        return 1
    for line in missing[:NAMED]:
        complain("fovea-report", line)
    if len(missing) > NAMED:
        complain("fovea-report", f"and {len(missing) - NAMED} more, named on the page")
    return 3 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
