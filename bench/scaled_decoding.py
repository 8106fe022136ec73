#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far a detector's answers move where JPEGs are decoded at a smaller scale, beside what one step of JPEG quality moves them.

Each photo is screened by the detector with scaled decoding and without, and, without, after its pixels were saved at three JPEG qualities
and one less than each. Told are the margins (logit of the last class less that of the first, or the only logit), what happened to result
and quality, and the check of quality that moved most, in parts of the distance from its value to its limit.

examples (with the Python of build/venv):
    python bench/scaled_decoding.py PHOTO.jpg ...
    python bench/scaled_decoding.py --enlarge 4288 --model models/detectors/small224/small224.fovea idrid640/images/IDRiD_0*.jpg
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import cv2

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "converter"))
from fovea_tools.file.model_edit import replace_scaled_decoding  # noqa: E402

QUALITIES = (95, 90, 85)


def screen(program, model, photos):
    """The results of the photos, in their order."""
    done = subprocess.run([program, "screen", "--force", "--format", "jsonl", "--jobs", "1", "--model", model, *photos],
                          capture_output=True, text=True, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    bad = [f"{result['file']}: {result['error']}" for result in results if result["status"] != "ok"]
    if len(results) != len(photos) or bad:
        sys.exit("\n".join(bad) or done.stderr)
    return results


def margin(result):
    logits = result["logits"]
    return logits[-1] - logits[0] if len(logits) > 1 else logits[0]


def furthest_check(whole, scaled):
    """Name and movement of the check of quality that moved most, in parts of its distance from the limit."""
    def limit(check):
        return float(check["limit"].split()[-1])

    moves = []
    for before, after in zip(whole["quality"]["checks"], scaled["quality"]["checks"], strict=True):
        distance = max(abs(before["value"] - limit(before)), 1e-9)
        moves.append((abs(after["value"] - before["value"]) / distance, before["name"]))
    return max(moves)


def compare(arguments, photo, models, folder):
    """A row of the table."""
    if arguments.enlarge:
        pixels = cv2.imread(str(photo))
        height = round(pixels.shape[0] * arguments.enlarge / pixels.shape[1])
        photo = folder / f"{photo.stem}.jpg"
        cv2.imwrite(str(photo), cv2.resize(pixels, (arguments.enlarge, height), interpolation=cv2.INTER_CUBIC), [cv2.IMWRITE_JPEG_QUALITY, 90])
    pixels = cv2.imread(str(photo))
    saved = []
    for quality in (q - step for q in QUALITIES for step in (0, 1)):
        saved.append(folder / f"saved_{quality}.jpg")
        cv2.imwrite(str(saved[-1]), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    whole, *steps = screen(arguments.fovea, models[0], [photo, *saved])
    scaled, = screen(arguments.fovea, models[1], [photo])
    margins = [margin(step) for step in steps]
    moved, check = furthest_check(whole, scaled)
    return {
        "photo": photo.name, "margin": margin(whole), "scaled": abs(margin(scaled) - margin(whole)),
        "step": statistics.mean(abs(margins[i] - margins[i + 1]) for i in range(0, len(margins), 2)),
        "result": (whole["result"], scaled["result"]), "quality": (whole["quality"]["verdict"], scaled["quality"]["verdict"]),
        "check": f"{check} {100 * moved:.0f} %",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", type=pathlib.Path, metavar="PHOTO", help="JPEG files")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/detectors/large224/large224.fovea", metavar="FILE")
    parser.add_argument("--fovea", default=ROOT / "build/release/engine/cli/fovea", metavar="PROGRAM")
    parser.add_argument("--times", type=int, default=2, metavar="N", help="the number of section PREP (default: 2)")
    parser.add_argument("--enlarge", type=int, metavar="WIDTH", help="first enlarge each photo to this width (cubic, JPEG quality 90)")
    arguments = parser.parse_args()
    data = arguments.model.read_bytes()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        models = [folder / "whole.fovea", folder / "scaled.fovea"]
        for model, times in zip(models, (0, arguments.times)):
            model.write_bytes(replace_scaled_decoding(data, times))
        print("| photo | margin | moved by scale | by a step of JPEG quality | result | quality | check that moved most |\n|--|--:|--:|--:|--|--|--|")
        for photo in arguments.photos:
            row = compare(arguments, photo, models, folder)
            rows.append(row)
            words = [pair[0] if pair[0] == pair[1] else f"**{pair[0]} → {pair[1]}**" for pair in (row["result"], row["quality"])]
            print(f"| {row['photo']} | {row['margin']:.3f} | {row['scaled']:.3f} | {row['step']:.3f} | {words[0]} | {words[1]} | {row['check']} |",
                  flush=True)
    for name, pick in (("mean", statistics.mean), ("median", statistics.median), ("largest", max)):
        print(f"| {name} | | {pick(row['scaled'] for row in rows):.3f} | {pick(row['step'] for row in rows):.3f} | | | |")
    changed = [sum(row[key][0] != row[key][1] for row in rows) for key in ("result", "quality")]
    print(f"\n{arguments.model.name}, {len(rows)} photos: {changed[0]} results and {changed[1]} verdicts of quality differ.")


if __name__ == "__main__":
    main()
