#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a shipped detector in the formats of the engines that chain.py compares with, and what it decides by.

chain.py runs this with the recipe's Python (tensorflow-cpu 2.15, Keras 2.15) and with tf2onnx and onnx on PYTHONPATH.

usage: chain_prepare.py DETECTOR.fovea ARCHITECTURE FOLDER
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import random_network  # noqa: E402
from prepare import write_peers_files  # noqa: E402

# The only preprocessing that the chains of the peers are written for.
WANTED = {"preset": "kaggle_ben_color", "resize": "cv_area", "other flags": 0}


def decision(path):
    """What the photo goes through and what the score is compared with, from the detector itself."""
    from fovea_tools.file import fovea_file

    model = fovea_file.read_fovea(path.read_bytes())
    preprocessing = model.preprocessing
    is_masked = bool(preprocessing.flags & fovea_file.FLAG_CIRCLE_MASK)
    found = {"preset": fovea_file.PRESETS[preprocessing.preset], "resize": fovea_file.RESIZES[preprocessing.resize],
             "other flags": preprocessing.flags & ~fovea_file.FLAG_CIRCLE_MASK}
    if found != WANTED:
        raise SystemExit(f"{path}: its preprocessing is {found}, the chains are written for {WANTED}")
    threshold = model.operating_points[model.default_point or 0][1] if model.operating_points else 0.5
    return {"size": model.default_size[0], "sigma": preprocessing.sigma, "tolerance": preprocessing.tolerance,
            "circle_mask": is_masked, "temperature": model.temperature, "threshold": threshold}


def main():
    if len(sys.argv) != 4:
        print("usage: chain_prepare.py DETECTOR.fovea ARCHITECTURE FOLDER", file=sys.stderr)
        return 2
    detector, architecture, folder = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    sys.path.insert(0, str(random_network.ROOT / "converter"))
    facts = decision(detector)
    model = random_network.build_of_detector(architecture, facts["size"], detector)
    folder.mkdir(parents=True, exist_ok=True)
    write_peers_files(model, facts["size"], folder)
    (folder / "decision.json").write_text(json.dumps(facts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
