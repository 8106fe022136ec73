# SPDX-License-Identifier: Apache-2.0
"""What a detector of 8-bit codes gives beside the floats that it was made of: on the pictures of every validation photo, by the engine."""
import argparse
import json
import pathlib
import sys

import numpy as np
from sklearn.metrics import roc_auc_score

from . import evaluate, parity, settings

EXAMPLE = """example (from the folder models/; the pictures are what `fovea preprocess` made, as a training leaves them in --out):
  python -m recipe.beside_floats --floats detectors/small224/small224.fovea --codes detectors/small224/small224_int8.fovea \\
      --images ~/runs/small224/images/224 --split ~/runs/small224/split.csv --fovea ../build/release/engine/cli/fovea

Prints the card's tables as Markdown. Exit status: 0 done, 1 failed with a message, 2 wrong usage."""


def compare(floats, codes, temperature, threshold, positive, sources):
    """The figures of both. floats, codes: logits (N, 2); positive (N,) bool: ill; sources (N,)."""
    from fovea_tools import calibration
    scores = [calibration.softmax(logits, temperature)[:, 1] for logits in (floats, codes)]
    verdicts = [score >= threshold for score in scores]
    moved = (codes[:, 1] - codes[:, 0]) - (floats[:, 1] - floats[:, 0])
    found = {"photos": len(positive), "labels_differ": int(np.sum(verdicts[0] != verdicts[1])), "margin_rms": float(np.sqrt(np.mean(moved**2))),
             "margin_largest": float(np.abs(moved).max()), "sources": {}}
    for name, score in zip(("floats", "codes"), scores):
        found[name] = {key: row[0] for key, row in evaluate.at_threshold(score, positive, threshold).items() if isinstance(row, list)}
    for source, here in evaluate.sources_with_both_classes(sources, positive):
        found["sources"][source] = {
            "photos": int(here.sum()), "same_label": float(np.mean(verdicts[0][here] == verdicts[1][here])),
            "auc": [float(roc_auc_score(positive[here], score[here])) for score in scores]}
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
                      f"differ). The margin (the difference of the logits) is off by {found['margin_rms']:.3f} rms, at most {found['margin_largest']:.2f}."])


def _labels(split, images, from_grade):
    """(paths, ill, sources) of the photos on the validation side of a training's split.csv whose grade tells."""
    from fovea_tools import tables
    try:
        table = tables.read(str(split))
    except tables.TableError as error:
        raise parity.ParityError(str(error)) from error
    if not {"source", "name", "side", "grade"} <= set(table.header):
        raise parity.ParityError(f"{split}: expected the columns source, name, side and grade, found {', '.join(table.header)}")
    pictures = {(path.relative_to(images).parts[0], path.stem): path for path in sorted(pathlib.Path(images).rglob("*.png"))}
    rows = [row for row in table.rows if row["side"] == parity.SIDE and (int(row["grade"]) >= 0 or from_grade == 1)]
    missing = [row for row in rows if (row["source"], row["name"]) not in pictures]
    if missing or not rows:
        raise parity.ParityError(f"{images}: no picture of {len(missing) or 'any'} photos of {split}")
    ill = np.array([int(row["grade"]) < 0 or int(row["grade"]) >= from_grade for row in rows])
    return [pictures[row["source"], row["name"]] for row in rows], ill, np.array([row["source"] for row in rows])


def _run(arguments):
    from fovea_tools.file import fovea_file
    from PIL import Image
    try:
        model = fovea_file.read_fovea(pathlib.Path(arguments.floats).read_bytes())
    except fovea_file.FormatError as error:
        raise parity.ParityError(f"{arguments.floats}: {error}") from error
    paths, ill, sources = _labels(arguments.split, arguments.images, settings.TARGETS[arguments.target])
    pixels = np.asarray([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    floats, codes = (parity.engine_logits(arguments.fovea, file, pixels) for file in (arguments.floats, arguments.codes))
    threshold = model.operating_points[model.default_point][1]
    return compare(floats, codes, model.temperature, threshold, ill, sources)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m recipe.beside_floats", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--floats", required=True, metavar="FILE.fovea")
    parser.add_argument("--codes", required=True, metavar="FILE.fovea", help="what fovea-quantize made of it")
    parser.add_argument("--images", required=True, metavar="DIR", help="preprocessed pictures, below DIR/SOURCE")
    parser.add_argument("--split", required=True, metavar="FILE.csv", help=f"the training's split.csv; its {parity.SIDE} side is used")
    parser.add_argument("--target", choices=tuple(settings.TARGETS), default="any_dr", help="what counts as ill (default: any_dr)")
    parser.add_argument("--fovea", required=True, metavar="PROGRAM")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parsed = parser.parse_args(arguments)
    try:
        found = _run(parsed)
        if parsed.json:
            pathlib.Path(parsed.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except (parity.ParityError, OSError) as error:
        print(f"recipe.beside_floats: {error}", file=sys.stderr)
        return 1
    print(text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
