#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a shipped detector's network in the formats of all engines in floats, with pictures of photos: what files of 8 bits are made from.

compare.py runs this with the recipe's Python (tensorflow-cpu 2.15, Keras 2.15) and with tf2onnx and onnx on PYTHONPATH.

usage: prepare_detector.py NETWORK DETECTOR PROGRAM PHOTOS COUNT JUDGED FOLDER

Of the photos below PHOTOS, COUNT become FOLDER/calibration/*.png (the same in FOLDER/calibration.npy) and JUDGED others FOLDER/float/expected.npz,
with Keras's answers and the probability from which a label is "signs" (`cut`). DETECTOR is the file whose weights the network has, PROGRAM
fovea, which makes the pictures as the detector's preset has them.
"""
import os
import pathlib
import random
import shutil
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import at_size  # noqa: E402
import random_network  # noqa: E402
from prepare import probabilities_of, write_peers_files  # noqa: E402

ENDINGS = (".jpg", ".jpeg", ".png")


def draw(photos, count):
    """Some of the photos below a folder, the same each time."""
    from fovea_tools.file.input_file import files_below

    found = sorted(files_below(photos, ENDINGS), key=lambda path: os.path.relpath(path, photos))
    if len(found) < count:
        raise SystemExit(f"{photos}: {len(found)} photos where {count} are wanted (see --count and --judged)")
    random.Random(0).shuffle(found)
    return found[:count]


def read_pixels(paths):
    from PIL import Image

    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])


def cut_of(model, is_own_size, probabilities):
    """The probability of signs from which the label changes: the detector's default point. Of pictures of another size its answers mean nothing;
    there it is the median answer, about which labels are the easiest to change."""
    if not is_own_size:
        return float(np.median(probabilities[:, 1]))
    threshold = model.operating_points[model.default_point][1]
    return float(1 / (1 + np.exp(-model.temperature * np.log(threshold / (1 - threshold)))))


def main():
    if len(sys.argv) != 8 or sys.argv[1] not in random_network.NETWORKS:
        print(f"usage: prepare_detector.py {{{','.join(random_network.NETWORKS)}}} DETECTOR PROGRAM PHOTOS COUNT JUDGED FOLDER", file=sys.stderr)
        return 2
    from fovea_tools.engine import Engine
    from fovea_tools.file.fovea_file import read_fovea, write_fovea

    name, detector, program, photos = sys.argv[1], pathlib.Path(sys.argv[2]), *sys.argv[3:5]
    count, judged, folder = int(sys.argv[5]), int(sys.argv[6]), pathlib.Path(sys.argv[7])
    architecture, size = random_network.NETWORKS[name]
    drawn = draw(photos, count + judged)
    floats, calibration = folder / "float", folder / "calibration"
    for part in (floats, calibration):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)

    model = read_fovea(detector.read_bytes())
    is_own_size = model.default_size[0] == size
    (floats / "model.fovea").write_bytes(detector.read_bytes() if is_own_size else write_fovea(at_size.at_size(model, size)))
    engine = Engine(program, size, size)
    try:
        pictures = engine.pictures(str(floats / "model.fovea"), drawn, print)
        np.save(folder / "calibration.npy", read_pixels(pictures[:count]))
        for number, picture in enumerate(pictures[:count]):
            shutil.copy(picture, calibration / f"{number:04}.png")
        pixels = read_pixels(pictures[count:])
    finally:
        engine.close()

    keras = random_network.build_of_detector(architecture, size, detector)
    probabilities = probabilities_of(keras, pixels)
    np.savez(floats / "expected.npz", pixels=pixels, probabilities=probabilities, cut=cut_of(model, is_own_size, probabilities))
    keras.save(floats / "model.keras")
    write_peers_files(keras, size, floats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
