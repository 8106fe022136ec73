# SPDX-License-Identifier: Apache-2.0
"""Does the engine answer as Keras does: both on the same pixels of every photo, label and probability compared."""
import argparse
import json
import os
import pathlib
import sys
import tempfile

import numpy as np
from fovea_tools.terminal import Parser, complain

from . import programs, validation_pictures
from .settings import GRADES
from .split import VALIDATION

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EXAMPLE = """example (from the folder models/; the pictures are what `fovea preprocess` made, as a training leaves them in --out):
  python -m recipe.parity --detector detectors/small224/small224.fovea --keras ~/runs/small224/small224.keras \\
      --images ~/runs/small224/images/224 --split ~/runs/small224/split.csv --fovea ../build/release/engine/cli/fovea

Exit status: 0 every label the same and no probability farther off than 1e-4; 1 not so, or failed with a message; 2 wrong usage."""
AIM = 1e-4      # largest difference of a probability
AT_ONCE = 100   # pictures for one call of the program


class ParityError(Exception):
    pass


def engine_logits(program, detector, pixels, report=None):
    """Logits (N, classes) float64 that the fovea program gives for uint8 pictures (N, S, S, 3)."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(pixels), AT_ONCE):
            paths = []
            for number, picture in enumerate(pixels[start:start + AT_ONCE]):
                paths.append(os.path.join(folder, f"{number}.npy"))
                np.save(paths[-1], picture)
            answers = programs.output([program, "run", "--model", detector, *paths], ParityError)
            try:
                rows = [json.loads(line)["logits"] for line in answers.splitlines()]
            except (ValueError, KeyError, TypeError) as error:
                raise ParityError(f"{program} run: a line without logits ({error})") from error
            if len(rows) != len(paths):
                raise ParityError(f"{program} run: {len(rows)} lines for {len(paths)} pictures")
            found += rows
            if report:
                report(f"engine: {len(found)} of {len(pixels)} pictures")
    return np.asarray(found, np.float64)


def compare(keras, engine, temperature, points):
    """What is told of the logits of both. points: {name: (the first class that counts as positive, threshold)}."""
    from fovea_tools import calibration
    from fovea_tools.calibration_data import score_from
    here, there = calibration.softmax(keras, temperature), calibration.softmax(engine, temperature)
    return {"photos": len(keras), "aim": AIM,
            "labels_differ": int(np.sum(keras.argmax(axis=1) != engine.argmax(axis=1))),
            "verdicts_differ": {name: int(np.sum((score_from(here, first) >= threshold) != (score_from(there, first) >= threshold)))
                                for name, (first, threshold) in points.items()},
            "largest_probability_difference": float(np.abs(here - there).max()),
            "largest_logit_difference": float(np.abs(keras - engine).max()), "spread_of_logits": float(np.ptp(keras))}


def points_of(target, points, any_dr_points=()):
    """The points of a detector of that target, for compare(). points, any_dr_points: {name: threshold}."""
    first = 2 if target == GRADES else 1
    return {**{name: (first, threshold) for name, threshold in dict(points).items()},
            **{f"{name}, any DR": (1, threshold) for name, threshold in dict(any_dr_points).items()}}


def reached(found):
    return not found["labels_differ"] and found["largest_probability_difference"] <= AIM


def sentences(found):
    """For people."""
    verdicts = ", ".join(f"{count} at `{name}`" for name, count in found["verdicts_differ"].items())
    return (f"On the same pixels of all {found['photos']} photos the likelier class differs for {found['labels_differ']}"
            + (f", the verdict for {verdicts}" if verdicts else "")
            + f"; the largest difference of a probability is {found['largest_probability_difference']:.1e} (aim: {AIM:g}), "
            f"of a logit {found['largest_logit_difference']:.1e} where the logits spread over {found['spread_of_logits']:.1f}.")


def _pictures(folder, split, size):
    """uint8 (N, size, size, 3) of the pictures below the folder, with a split those of its validation side."""
    paths = (validation_pictures.paths_of(folder, split, validation_pictures.side_rows(split)) if split else
             sorted(pathlib.Path(folder).rglob("*.png")))
    if not paths:
        raise ParityError(f"{folder}: no .png below it" if not split else f"{split}: no photo of the validation side")
    return validation_pictures.read(paths, size)


def _network(arguments, size, classes):
    import tensorflow as tf

    from . import network
    path = arguments.keras or arguments.weights
    try:
        if arguments.keras:
            return tf.keras.models.load_model(path, compile=False)
        model = network.build(arguments.architecture, size, classes)
        model.load_weights(path)
        return model
    except (OSError, ValueError) as error:
        raise ParityError(f"{path}: no network of this recipe: {str(error).splitlines()[0]}") from error


def _run(arguments):
    from fovea_tools.file import fovea_file

    from . import network
    try:
        detector = fovea_file.read_fovea(pathlib.Path(arguments.detector).read_bytes())
    except fovea_file.FormatError as error:
        raise ParityError(f"{arguments.detector}: {error}") from error
    size = detector.default_size[0]
    pixels = _pictures(arguments.images, arguments.split, size)
    engine = engine_logits(arguments.fovea, arguments.detector, pixels, lambda line: print(line, file=sys.stderr))
    return compare(network.logits_of(_network(arguments, size, len(detector.labels)), pixels), engine, detector.temperature,
                   points_of(fovea_file.TARGETS[detector.target], detector.operating_points, detector.any_dr_points))


def main(arguments=None):
    parser = Parser(prog="python -m recipe.parity", description=__doc__, epilog=EXAMPLE,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", required=True, metavar="FILE.fovea")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--keras", metavar="FILE.keras", help="the network that was converted")
    source.add_argument("--weights", metavar="FILE.weights.h5", help="or its weights, with --architecture")
    parser.add_argument("--architecture", choices=("small", "large"))
    parser.add_argument("--images", required=True, metavar="DIR", help="preprocessed pictures: PNG of the network's size, at any depth")
    parser.add_argument("--split", metavar="FILE.csv", help=f"only the {VALIDATION} side; the pictures then lie below DIR/SOURCE")
    parser.add_argument("--fovea", required=True, metavar="PROGRAM")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parsed = parser.parse_args(arguments)
    if bool(parsed.weights) != bool(parsed.architecture):
        parser.error("--weights and --architecture go together")
    try:
        found = _run(parsed)
        if parsed.json:
            pathlib.Path(parsed.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except (ParityError, validation_pictures.PicturesError, OSError) as error:
        complain("recipe.parity", str(error))
        return 1
    print(sentences(found))
    return 0 if reached(found) else 1


if __name__ == "__main__":
    sys.exit(main())
