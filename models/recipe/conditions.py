# SPDX-License-Identifier: Apache-2.0
"""What becomes of a detector's answers when the same photo is turned, mirrored, smaller, larger, saved at low quality or a little blurred.

The photos are changed before anything sees them; then `fovea screen` does all that it does in use.
"""
import argparse
import collections
import json
import pathlib
import random
import sys
import tempfile

import numpy as np
from fovea_tools.terminal import Parser, complain
from PIL import Image, ImageFilter, ImageOps

from . import labels, programs, settings, split

EXAMPLE = """example (from the folder models/):
  python -m recipe.conditions --detector detectors/small224/small224.fovea --split detectors/small224/small224.split.csv \\
      --data aptos=~/photos/aptos --data idrid=~/photos/idrid --fovea ../build/release/engine/cli/fovea --limit 100

Prints a Markdown table. Exit status: 0 done, 1 failed with a message, 2 wrong usage."""
QUESTIONS = ("any_dr", "referable_dr")
AT_ONCE = 50    # photos whose changed copies lie on the disk at a time
SEED = 1        # of the choice that --limit makes
BLUR = 1 / 224  # deviation of the blur, in units of the photo's shorter side: about a pixel of what the network sees


class ConditionError(Exception):
    pass


def _scaled(factor, filter_kind):
    return lambda photo: photo.resize(tuple(max(1, round(side * factor)) for side in photo.size), filter_kind)


TURNS = {"turned by 90 degrees": Image.Transpose.ROTATE_90, "turned by 180 degrees": Image.Transpose.ROTATE_180,
         "turned by 270 degrees": Image.Transpose.ROTATE_270, "mirrored": Image.Transpose.FLIP_LEFT_RIGHT,
         "mirrored and turned by 90 degrees": Image.Transpose.TRANSPOSE, "mirrored and turned by 180 degrees": Image.Transpose.FLIP_TOP_BOTTOM,
         "mirrored and turned by 270 degrees": Image.Transpose.TRANSVERSE}
# What is done to the photo, and the JPEG quality that it is then stored with; None: without loss.
CONDITIONS = {
    "as it is": (lambda photo: photo, None),
    **{name: (lambda photo, how=how: photo.transpose(how), None) for name, how in TURNS.items()},
    "half the resolution": (_scaled(0.5, Image.Resampling.BOX), None),
    "double the resolution": (_scaled(2, Image.Resampling.BICUBIC), None),
    "JPEG quality 50": (lambda photo: photo, 50),
    "blurred": (lambda photo: photo.filter(ImageFilter.GaussianBlur(BLUR * min(photo.size))), None),
}
PLAIN = next(iter(CONDITIONS))


def _upright(path):
    with Image.open(path) as photo:
        return ImageOps.exif_transpose(photo).convert("RGB")


def write_copies(path, folder, stem):
    """The photo under every condition: folder/<number of the condition>_<stem>.png or .jpg, in the order of CONDITIONS."""
    photo = _upright(path)
    for number, (change, quality) in enumerate(CONDITIONS.values()):
        changed = change(photo)
        if quality is None:
            changed.save(folder / f"{number}_{stem}.png", compress_level=1)
        else:
            changed.save(folder / f"{number}_{stem}.jpg", quality=quality)


def _answer(row, target):
    """(probability, whether it reaches the threshold) of what a line of results says to the question."""
    for answer in row.get("answers", []):
        if answer["target"] == target:
            return answer["score"], answer["result"] == "dr_signs_found"
    return row["probabilities"][-1], row["probabilities"][-1] >= row["operating_point"]["threshold"]


def _screen(program, detector, folder, target, views):
    """{file name: (probability of the positive classes, whether it reaches the threshold)}."""
    rows = programs.output([program, "screen", "--force", "--format", "jsonl", "--no-timings", "--views", str(views), "--model", detector,
                            folder], ConditionError, accepted=(0, 3))
    found = {}
    for line in rows.splitlines():
        row = json.loads(line)
        if row["status"] == "ok":
            found[pathlib.Path(row["file"]).name] = _answer(row, target)
    return found


def answers(program, detector, paths, target, views, report):
    """(probability (conditions, N), positive (conditions, N)); NaN and False where a copy could not be screened."""
    score = np.full((len(CONDITIONS), len(paths)), np.nan)
    positive = np.zeros(score.shape, bool)
    for start in range(0, len(paths), AT_ONCE):
        with tempfile.TemporaryDirectory() as made:
            folder = pathlib.Path(made)
            for index in range(start, min(start + AT_ONCE, len(paths))):
                write_copies(paths[index], folder, index)
            for name, (probability, reached) in _screen(program, detector, folder, target, views).items():
                condition, index = map(int, pathlib.Path(name).stem.split("_"))
                score[condition, index], positive[condition, index] = probability, reached
        report(f"{min(start + AT_ONCE, len(paths))} of {len(paths)} photos screened under {len(CONDITIONS)} conditions")
    return score, positive


def figures(score, positive, ill, sources):
    """{condition: {source: {"photos", "auc" or None, "changed", "moved"}}}: the share of verdicts that differ from that of the plain photo,
    and by how much a probability moved (median). Photos that could not be screened under a condition are left out there."""
    from sklearn.metrics import roc_auc_score  # only now, so that --help and a wrong option answer at once
    found = {}
    for number, condition in enumerate(CONDITIONS):
        rows = found[condition] = {}
        for source in sorted(set(sources)):
            here = (sources == source) & ~np.isnan(score[number]) & ~np.isnan(score[0])
            both = len(set(ill[here])) == 2
            rows[source] = {"photos": int(here.sum()), "auc": float(roc_auc_score(ill[here], score[number][here])) if both else None,
                            "changed": float(np.mean(positive[number][here] != positive[0][here])) if here.any() else None,
                            "moved": float(np.median(np.abs(score[number][here] - score[0][here]))) if here.any() else None}
    return found


def table(found):
    """As Markdown: AUC / verdicts that change, source by source, and the mean of both over the sources."""
    sources = list(found[PLAIN])
    lines = ["| the photo | " + " | ".join(f"{source} ({found[PLAIN][source]['photos']})" for source in sources) + " | mean |",
             "|" + "--|" * (len(sources) + 2)]

    def cell(auc, changed, plain):
        shown = "–" if auc is None else f"{auc:.3f}"
        return shown if plain else f"{shown} / " + ("–" if changed is None else f"{changed:.1%}".replace("%", " %"))

    def mean(rows, key):
        values = [row[key] for row in rows.values() if row[key] is not None]
        return float(np.mean(values)) if values else None

    for condition, rows in found.items():
        cells = [cell(rows[source]["auc"], rows[source]["changed"], condition == PLAIN) for source in sources]
        lines.append(f"| {condition} | " + " | ".join(cells) + f" | {cell(mean(rows, 'auc'), mean(rows, 'changed'), condition == PLAIN)} |")
    return "\n".join(lines)


def is_ill(photo, from_grade):
    """Whether the photo counts as ill where grades from `from_grade` do; None where its label does not tell."""
    if photo.grade == labels.UNKNOWN_GRADE:
        return True if from_grade == 1 else None
    return photo.grade >= from_grade


def chosen(folders, sides, from_grade, limit):
    """[Photo, ...] on the validation side whose label tells, of each source at most `limit`, drawn by a fixed seed."""
    by_source = collections.defaultdict(list)
    for source, folder in folders.items():
        photos, _, _ = labels.read_folder(source, folder)
        by_source[source] = [photo for photo in photos if sides.get((source, photo.name)) == split.VALIDATION
                             and is_ill(photo, from_grade) is not None]
        if not by_source[source]:
            raise ConditionError(f"{folder}: none of its photos is on the validation side of the split under the source '{source}'")
    return [photo for source, photos in by_source.items()
            for photo in (random.Random(f"{SEED}/{source}").sample(photos, limit) if limit and limit < len(photos) else photos)]


def main(arguments=None):
    parser = Parser(prog="python -m recipe.conditions", description=__doc__, epilog=EXAMPLE,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", required=True, metavar="FILE.fovea")
    parser.add_argument("--split", required=True, metavar="FILE.csv", help="only the photos on its validation side are used")
    parser.add_argument("--data", required=True, action="append", metavar="NAME=FOLDER", help="as in the training; once for each source")
    parser.add_argument("--target", choices=QUESTIONS, default="any_dr", help="what counts as ill (default: any_dr)")
    parser.add_argument("--fovea", required=True, metavar="PROGRAM")
    parser.add_argument("--views", type=int, choices=(1, 2, 4, 8), default=1,
                        help="answer by the mean over so many turned and mirrored views, as fovea screen --views does (default: 1)")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most N photos of each source, drawn by a fixed seed (default: all)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parsed = parser.parse_args(arguments)
    if parsed.limit < 0:
        parser.error(f"--limit {parsed.limit}: expected 0 or more")
    folders = labels.named_folders(parsed.data, parser)
    try:
        from_grade = settings.TARGETS[parsed.target]
        photos = chosen(folders, split.read_earlier(parsed.split), from_grade, parsed.limit)
        ill = np.array([is_ill(photo, from_grade) for photo in photos])
        score, positive = answers(parsed.fovea, parsed.detector, [photo.path for photo in photos], parsed.target,
                                  parsed.views, lambda line: print(line, file=sys.stderr))
        found = figures(score, positive, ill, np.array([photo.source for photo in photos]))
        if parsed.json:
            pathlib.Path(parsed.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except (ConditionError, labels.LabelError, split.SplitError, OSError) as error:
        complain("recipe.conditions", str(error))
        return 1
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
