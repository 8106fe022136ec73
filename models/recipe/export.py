# SPDX-License-Identifier: Apache-2.0
"""From the best weights to the files that are shipped: .keras, golden vectors, .fovea, checksums."""
import hashlib
import pathlib

import numpy as np

from . import images, labels, network, programs


class ExportError(Exception):
    pass


def golden_pictures(program, photos, preset, size, work):
    """uint8 (N, size, size, 3) of the photos named, preprocessed like the training pictures. They become part of the
    shipped file, so only photos that may be redistributed belong here."""
    pictures = []
    for photo in map(pathlib.Path, photos):
        if not photo.is_file() or not labels.is_picture(photo):
            raise ExportError(f"{photo}: no JPEG or PNG file")
        folder = pathlib.Path(work) / "golden" / photo.stem
        images.preprocess(program, photo, preset, size, folder)
        single = labels.Photo(folder.name, photo.stem, photo, 0, photo.stem)
        loaded, missing = images.load([single], folder.parent, size)
        if missing:
            raise ExportError(f"{photo}: could not be preprocessed")
        pictures.append(loaded[0])
    return np.asarray(pictures)


def write_golden(path, model, pictures):
    """pixels (N, H, W, 3) uint8 and the Keras model's logits (N, classes) float32, one picture at a time as on the phone."""
    logits = np.concatenate([network.logits_of(model, pictures[i:i + 1]) for i in range(len(pictures))])
    np.savez(path, pixels=pictures, logits=logits.astype(np.float32))
    return logits


def convert(converter, keras_file, out, settings, golden, temperature, points, provenance, any_dr_points=()):
    """Runs fovea-convert. points, any_dr_points: {name: threshold}."""
    command = [converter, str(keras_file), "-o", str(out), "--labels", ",".join(settings["labels"]),
               "--target", settings["target"], *images.preset_options(settings["preset"]),
               "--golden", str(golden), "--temperature", repr(temperature)]
    for option, some in (("--operating-point", points), ("--any-dr-operating-point", any_dr_points)):
        for name, threshold in dict(some).items():
            command += [option, f"{name}={threshold!r}"]
    for key, value in provenance.items():
        command += ["--provenance", f"{key}={value}"]
    programs.output(command, ExportError)


def write_checksums(folder, names):
    """SHA256SUMS as `sha256sum -c` reads it."""
    lines = [f"{hashlib.sha256((pathlib.Path(folder) / n).read_bytes()).hexdigest()}  {n}" for n in sorted(names)]
    (pathlib.Path(folder) / "SHA256SUMS").write_text("\n".join(lines) + "\n")
