# SPDX-License-Identifier: Apache-2.0
"""What a detector of 8-bit codes gives beside the floats that it was made of: on the pictures of every validation photo, by the engine."""
import argparse
import json
import pathlib
import sys

import numpy as np
from fovea_tools.terminal import Parser, complain

from . import parity, settings, validation_pictures
from .split import VALIDATION

EXAMPLE = """example (from the folder models/; the pictures are what `fovea preprocess` made, as a training leaves them in --out):
  python -m recipe.beside_floats --floats detectors/small224/small224.fovea --codes detectors/small224/small224_int8.fovea \\
      --images ~/runs/small224/images/224 --split ~/runs/small224/split.csv --fovea ../build/release/engine/cli/fovea

Prints the card's tables as Markdown, those of each question where the detector answers several. Exit status: 0 done, 1 failed with a message, 2 wrong usage."""


def compare(floats, codes, temperature, threshold, ill, first=1):
    """The figures of both. floats, codes: logits (N, classes); threshold: from which probability of class `first` or more on a photo is
    called ill; ill: {source: (rows of floats, (n,) bool)}, the photos whose label answers that question."""
    # Only now, so that --help and a wrong option answer at once: TensorFlow comes with grades, SciPy with evaluate.
    from sklearn.metrics import roc_auc_score

    from . import evaluate, grades
    odds = [grades.log_odds(logits, first) for logits in (floats, codes)]
    scores = [grades.probability(logits / temperature, first) for logits in (floats, codes)]
    verdicts = [score >= threshold for score in scores]
    rows, positive = (np.concatenate([part[which] for part in ill.values()]) for which in (0, 1))
    moved = (odds[1] - odds[0])[rows]
    found = {"photos": len(rows), "labels_differ": int(np.sum((verdicts[0] != verdicts[1])[rows])),
             "margin_rms": float(np.sqrt(np.mean(moved**2))), "margin_largest": float(np.abs(moved).max()), "sources": {}}
    for name, score in zip(("floats", "codes"), scores):
        found[name] = {key: row[0] for key, row in evaluate.at_threshold(score[rows], positive, threshold).items() if isinstance(row, list)}
    for source, (here, positive) in ill.items():
        if len(set(positive)) == 2:
            found["sources"][source] = {
                "photos": len(here), "same_label": float(np.mean(verdicts[0][here] == verdicts[1][here])),
                "auc": [float(roc_auc_score(positive, score[here])) for score in scores]}
    return found


def text(found):
    """As Markdown."""
    lines = ["| at the default point | floats | codes |", "|--|--|--|"]
    lines += [f"| {key} | {found['floats'][key]:.2%} | {found['codes'][key]:.2%} |".replace("%", " %") for key in found["floats"]]
    lines += ["", "| source | photos | AUC in floats | AUC in codes | same label |", "|--|--|--|--|--|"]
    lines += [f"| {source} | {row['photos']} | {row['auc'][0]:.4f} | {row['auc'][1]:.4f} | {100 * row['same_label']:.1f} % |"
              for source, row in found["sources"].items()]
    same = 100 * (1 - found["labels_differ"] / found["photos"])
    return "\n".join([*lines, "", f"The label at the default operating point is the same for {same:.2f} % of the {found['photos']:,} photos ({found['labels_differ']} "
                      f"differ). The margin (the log-odds of ill) is off by {found['margin_rms']:.3f} rms, at most {found['margin_largest']:.2f}."])


def _ill(rows, from_grade):
    """{source: (numbers of the rows whose grade tells, whether it is from_grade or more)}."""
    found = {}
    for source in sorted({row["source"] for row in rows}):
        here = [i for i, row in enumerate(rows) if row["source"] == source and (int(row["grade"]) >= 0 or from_grade == 1)]
        if here:
            found[source] = np.array(here), np.array([int(rows[i]["grade"]) < 0 or int(rows[i]["grade"]) >= from_grade for i in here])
    return found


def _questions(model):
    """{question: (the first class that counts as ill, the lowest grade that is ill, threshold)} of a detector."""
    from fovea_tools.file import fovea_file
    target = fovea_file.TARGETS[model.target]
    if target not in settings.TARGETS:
        raise parity.ParityError(f"a detector of target {target}: no question about retinopathy")
    threshold = model.operating_points[model.default_point][1]
    if target != settings.GRADES:
        return {target: (1, settings.TARGETS[target], threshold)}
    return {"referable_dr": (2, 2, threshold),
            **({"any_dr": (1, 1, model.any_dr_points[model.default_point][1])} if model.any_dr_points else {})}


def _run(arguments):
    """{question: its figures}."""
    from fovea_tools.file import fovea_file
    try:
        model = fovea_file.read_fovea(pathlib.Path(arguments.floats).read_bytes())
    except fovea_file.FormatError as error:
        raise parity.ParityError(f"{arguments.floats}: {error}") from error
    questions = _questions(model)
    rows = validation_pictures.side_rows(arguments.split, ("source", "name", "grade", "side"))
    pixels = validation_pictures.read(validation_pictures.paths_of(arguments.images, arguments.split, rows), model.default_size[0])
    floats, codes = (parity.engine_logits(arguments.fovea, file, pixels) for file in (arguments.floats, arguments.codes))
    return {question: compare(floats, codes, model.temperature, threshold, _ill(rows, from_grade), first)
            for question, (first, from_grade, threshold) in questions.items()}


def main(arguments=None):
    parser = Parser(prog="python -m recipe.beside_floats", description=__doc__, epilog=EXAMPLE,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--floats", required=True, metavar="FILE.fovea")
    parser.add_argument("--codes", required=True, metavar="FILE.fovea", help="what fovea-quantize made of it")
    parser.add_argument("--images", required=True, metavar="DIR", help="preprocessed pictures, below DIR/SOURCE")
    parser.add_argument("--split", required=True, metavar="FILE.csv", help=f"the training's split.csv; its {VALIDATION} side is used")
    parser.add_argument("--fovea", required=True, metavar="PROGRAM")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parsed = parser.parse_args(arguments)
    try:
        found = _run(parsed)
        if parsed.json:
            pathlib.Path(parsed.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except (parity.ParityError, validation_pictures.PicturesError, OSError) as error:
        complain("recipe.beside_floats", str(error))
        return 1
    for question, figures in found.items():
        print(f"### {question}\n\n{text(figures)}\n" if len(found) > 1 else text(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
