# SPDX-License-Identifier: Apache-2.0
"""fovea-lesions: do the heat maps of a detector point at lesions?"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys
from typing import List, Optional, Sequence

from .. import __version__
from ..errors import EngineError, UsageError, missing_library
from ..file.fovea_file import FormatError, read_fovea
from ..file.input_file import read_file
from ..file.output_file import check_output, write_file
from ..terminal import Parser, complain, say, show_progress, tells_lack_of_memory

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_BAD_MODEL = 0, 1, 2, 4
STEPS = re.compile("integrated/[1-9][0-9]{0,4}")
METHODS = ("gradient", "smoothgrad", "integrated", "gradcam", "attention", "occlusion")

DESCRIPTION = """Compares the maps of every method of `fovea explain` with lesions that people drew into photos, and with the maps of networks whose
weights are shuffled. What comes out is a Markdown table for the detector's card."""

EXAMPLES = """examples:
  fovea-lesions small224.fovea --photos lesions/images --masks lesions/masks
  fovea-lesions small224.fovea large224.fovea --photos lesions/images --masks lesions/masks --methods gradient,gradcam --limit 10 -o table.md

A mask is a grey PNG of its photo's name and size: bit 0 of a pixel says microaneurysm, 1 haemorrhage, 2 hard exudate, 3 soft exudate, 4 optic disc.
Exit status: 0 done; 1 photos that do not do, with a message; 2 wrong usage; 4 a model of which no maps can be made.
For research use. Not a medical device."""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea-lesions", description=DESCRIPTION, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL.fovea", nargs="+", help="the detectors, of float weights, which can be shuffled")
    parser.add_argument("--photos", metavar="FOLDER", type=pathlib.Path, required=True, help="the photos")
    parser.add_argument("--masks", metavar="FOLDER", type=pathlib.Path, required=True, help="their masks, of the same names")
    parser.add_argument("--drawn-by", metavar="WHO", default="the data set's authors", help="who drew the lesions, as the table says it")
    parser.add_argument("--methods", metavar="NAME,...", default=",".join(METHODS), help=f"of {', '.join(METHODS)} (default: all); integrated/N with N steps")
    parser.add_argument("--limit", metavar="PHOTOS", type=int, default=0, help="only the first so many photos (default: all)")
    parser.add_argument("--checked", metavar="PHOTOS", type=int, default=5, help="photos for the maps of shuffled networks (default: 5)")
    parser.add_argument("--fovea", metavar="PROGRAM", default="fovea", help="the fovea program (default: fovea)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the tables here (default: standard output)")
    parser.add_argument("--json", metavar="FILE", help="write the figures with their standard errors here, by model, method and figure")
    parser.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
    parser.add_argument("--version", action="version", version=f"fovea-lesions {__version__}")
    return parser


def parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_args(argv)
    arguments.methods = list(dict.fromkeys(filter(None, arguments.methods.split(","))))
    unknown = [method for method in arguments.methods if method not in METHODS and not STEPS.fullmatch(method)]
    if unknown or not arguments.methods:
        parser.error(f"--methods: {unknown[0] if unknown else 'none'} is no method; there are {', '.join(METHODS)}")
    if arguments.limit < 0 or arguments.checked < 1:
        parser.error("--limit, --checked: a number of photos")
    for option, folder in (("--photos", arguments.photos), ("--masks", arguments.masks)):
        if not folder.is_dir():
            parser.error(f"{option} {folder}: no such folder")
    return arguments


def _figures(arguments: argparse.Namespace) -> List[str]:
    """Measures each model; the tables."""
    # Only now, so that --help and a wrong option answer at once.
    import json

    from ..calibration_data import positive_score
    from ..engine import Engine
    from ..maps import lesions

    def tell(text: str) -> None:
        if not arguments.quiet:
            show_progress(text)

    for path in (arguments.json, arguments.output):
        if path:
            check_output(path)  # not after minutes
    found = lesions.pairs(arguments.photos, arguments.masks, arguments.limit)
    tables, collected = [], {}
    for path in arguments.models:
        model = read_fovea(read_file(path))
        if len(model.labels) < 2:
            raise UsageError(f"{path}: the model has one class, which is always certain")
        engine = Engine(arguments.fovea, *model.default_size)
        try:
            cases = lesions.read_cases(engine, path, found, tell)
            checked = min(arguments.checked, len(cases))
            results = lesions.measure(engine, path, arguments.methods, cases, lambda found, model=model: positive_score(found, model), checked, tell)
        finally:
            engine.close()
        name = pathlib.Path(path).stem
        tables.append(lesions.markdown(name, results, len(cases), arguments.drawn_by, checked))
        collected[name] = json.loads(lesions.to_json(results))
    tell("")
    if arguments.json:
        write_file(arguments.json, (json.dumps(collected, indent=2) + "\n").encode("utf-8"))
    return tables


@tells_lack_of_memory("fovea-lesions")
def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = parse(argv)
    try:
        from ..maps import MapError
        text = "\n".join(_figures(arguments))
        if arguments.output:
            write_file(arguments.output, text.encode("utf-8"))
        else:
            say(text)
    except UsageError as error:
        complain("fovea-lesions", str(error))
        return EXIT_USAGE
    except FormatError as error:
        complain("fovea-lesions", str(error))
        return EXIT_BAD_MODEL
    except (MapError, EngineError) as error:
        complain("fovea-lesions", str(error))
        return EXIT_FAILED
    except ImportError as error:
        complain("fovea-lesions", missing_library(error))
        return EXIT_FAILED
    except OSError as error:
        complain("fovea-lesions", f"{error.filename or 'output'}: {error.strerror}")
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
