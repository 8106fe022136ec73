#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw what a screening does to photos: the photo, what the network sees, and the verdict, a row each.

example (from the top folder, after building):
    python models/detectors/make_picture.py --fovea build/engine/cli/fovea \
        --model models/detectors/small224/small224.fovea --out models/detectors/small224/screening.png \
        tests/golden/data/photos/IDRiD_*.jpg
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402  (the backend comes first)

WORDS = {"dr_signs_found": "DR signs found", "no_dr_signs_found": "no DR signs found", "not_gradable": "not gradable"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fovea", required=True, help="the fovea program")
    parser.add_argument("--model", required=True, help="a detector")
    parser.add_argument("--out", required=True, help="PNG to write")
    parser.add_argument("photos", nargs="+")
    arguments = parser.parse_args()

    lines = subprocess.run([arguments.fovea, "screen", "--model", arguments.model, "--format", "jsonl",
                            "--no-timings", *arguments.photos], capture_output=True, text=True, check=True).stdout
    screenings = [json.loads(line) for line in lines.splitlines()]

    figure, axes = pyplot.subplots(len(screenings), 3, figsize=(9, 2.6 * len(screenings)), squeeze=False,
                                   gridspec_kw={"width_ratios": [1.5, 1, 1.6]})
    with tempfile.TemporaryDirectory() as folder:
        for row, (photo, screening) in enumerate(zip(arguments.photos, screenings)):
            network_view = pathlib.Path(folder) / f"{row}.png"
            subprocess.run([arguments.fovea, "preprocess", "--model", arguments.model, photo, str(network_view)],
                           check=True)
            axes[row][0].imshow(pyplot.imread(photo))
            axes[row][1].imshow(pyplot.imread(network_view))
            text = [WORDS[screening["result"]], f"quality: {screening['quality']['verdict']}"]
            if screening["probabilities"]:
                text += [f"p(DR) {screening['probabilities'][-1]:.3f}, "
                         f"threshold {screening['operating_point']['threshold']:.3f}"]
            axes[row][2].text(0, 0.5, "\n".join(text), va="center", fontsize=11)
            axes[row][0].set_title(pathlib.Path(photo).name, fontsize=9)
    for axis, title in zip(axes[0][1:], ("what the network sees", "verdict")):
        axis.set_title(title, fontsize=9)
    for axis in axes.flat:
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(arguments.out, dpi=80)
    return 0


if __name__ == "__main__":
    sys.exit(main())
