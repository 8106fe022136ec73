# SPDX-License-Identifier: Apache-2.0
"""One command from folders of photos to a detector: pictures, split, training, figures, .fovea, model card."""
import argparse
import os
import pathlib
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EXAMPLE = """example (from the folder models/, fovea built in ../build/release):
  python -m recipe --settings recipe/small224.toml --fovea ../build/release/engine/cli/fovea \\
      --data aptos=~/photos/aptos --data idrid=~/photos/idrid --data eyepacs=~/photos/eyepacs \\
      --warm-start mobilenet_v3_large_minimalistic_224_uint8.tflite \\
      --golden ../tests/golden/data/photos/IDRiD_008.jpg --out ~/runs/small224

Interrupted, the same command continues where it stopped. Exit status: 0 done, 1 failed with a message, 2 wrong usage."""


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m recipe", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", required=True, metavar="FILE.toml", help="the detector's settings")
    parser.add_argument("--data", required=True, action="append", metavar="NAME=FOLDER",
                        help="a photo source: a folder with the photos and one label CSV; once for each source")
    parser.add_argument("--fovea", required=True, metavar="PROGRAM", help="the fovea program, which prepares the photos")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="everything made goes here")
    parser.add_argument("--warm-start", metavar="FILE.tflite",
                        help="8-bit MobileNetV3-Large minimalistic with ImageNet weights: the start of Large, and of Small's early blocks")
    parser.add_argument("--teacher", metavar="FILE.keras", help="a trained Large of this recipe that Small learns from")
    parser.add_argument("--initial-weights", metavar="FILE.weights.h5", help="continue from the weights of another run")
    parser.add_argument("--golden", action="append", default=[], metavar="PHOTO",
                        help="a photo that may be redistributed, stored in the detector for its self-test")
    parser.add_argument("--note", action="append", default=[], metavar="TEXT",
                        help="a sentence about this run for the model card")
    parser.add_argument("--converter", default="fovea-convert", metavar="PROGRAM", help="default: fovea-convert")
    parsed = parser.parse_args(arguments)
    parsed.folders = {}
    for item in parsed.data:
        name, separator, folder = item.partition("=")
        if not separator or not name or name in parsed.folders:
            parser.error(f"--data {item}: expected NAME=FOLDER, each name once")
        parsed.folders[name] = pathlib.Path(folder).expanduser()
    if not parsed.golden:
        parser.error("--golden: at least one photo, or the detector has no self-test")
    if parsed.warm_start and parsed.initial_weights:
        parser.error("--warm-start and --initial-weights exclude each other")
    return parsed


class _Progress:
    """Lines to the terminal and to a log; a step's line replaces the one before where a terminal allows it."""

    def __init__(self, path):
        self._log = open(path, "a", encoding="utf-8", buffering=1)
        self._open_line = False

    def __call__(self, line):
        self._log.write(line + "\n")
        if " step " in line and sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{line}")
            self._open_line = True
        else:
            sys.stderr.write(f"\r\033[K{line}\n" if self._open_line else f"{line}\n")
            self._open_line = False
        sys.stderr.flush()


def _initial_weights(arguments, settings, data, out, report):
    """File with the weights to start from, or None for a random start."""
    if arguments.initial_weights:
        return arguments.initial_weights
    if not arguments.warm_start:
        return None
    import numpy as np
    import tensorflow as tf

    from . import network, warm_start
    path = out / "initial.weights.h5"
    if not path.exists():
        report("taking over the weights of " + arguments.warm_start)
        seed = settings["training"]["seed"]
        tf.keras.utils.set_random_seed(seed)
        model = network.build(settings["network"]["architecture"], settings["network"]["size"],
                              alpha=settings["network"]["alpha"])
        pick = np.random.default_rng(seed).choice(len(data["pixels"]), min(144, len(data["pixels"])), replace=False,
                                                  p=data["chance"])
        warm_start.apply(model, settings["network"]["architecture"], arguments.warm_start, data["pixels"][pick], seed)
        model.save_weights(path)
    return path


def _ship(arguments, settings, data_rows, validation, trainer, out, report):
    """Measures the best weights and writes everything that is shipped into out/detector."""
    from fovea_tools import calibration

    from . import card, evaluate, export, network
    name, net, preset = settings["name"], settings["network"], settings["preset"]
    model = network.build(net["architecture"], net["size"], alpha=net["alpha"])
    model.load_weights(trainer.best_file)
    logits = network.logits_of(model, validation["pixels"])
    weights = calibration.cell_weights(validation["sources"], validation["positive"])
    # Every photo counts alike, so that confidence and accuracy agree over the validation photos as they are.
    temperature = calibration.fit_temperature(logits, validation["positive"]).value
    points = calibration.operating_points(calibration.softmax(logits, temperature)[:, 1], validation["positive"], weights)
    figures = evaluate.figures(validation, logits, temperature, points)
    probes = evaluate.rim_probes(validation, lambda pictures: network.logits_of(model, pictures))

    shipped = out / "detector"
    shutil.rmtree(shipped, ignore_errors=True)
    shipped.mkdir()
    model.save(out / f"{name}.keras")
    golden = out / "golden.npz"
    export.write_golden(golden, model, export.golden_pictures(arguments.fovea, arguments.golden, preset, net["size"], out))
    export.write_json(shipped / f"{name}.validation.json", {"figures": figures, "probes": probes})
    card.learning_curve(shipped / "learning_curve.png", trainer.history)
    (shipped / f"{name}.md").write_text(
        card.text(settings, figures, probes, data_rows, trainer.history, arguments.note), encoding="utf-8")
    report(f"mean of the sources' AUCs {figures['mean_auc']:.4f}; converting")
    export.convert(arguments.converter, out / f"{name}.keras", shipped / f"{name}.fovea", settings, golden, temperature,
                   points, settings["provenance"])
    export.write_checksums(shipped, [p.name for p in shipped.iterdir()])
    report(f"done: {shipped}")


def main(arguments=None):
    parsed = _parse(arguments)
    # Only now, so that --help and a wrong option answer at once.
    from . import dataset, export, images, labels, network, train
    from . import settings as settings_module
    out = pathlib.Path(parsed.out).expanduser()
    try:
        settings = settings_module.read(parsed.settings)
        out.mkdir(parents=True, exist_ok=True)
        report = _Progress(out / "train.log")
        for source, folder in parsed.folders.items():
            report(f"{source}: preparing the photos of {folder}")
            images.preprocess(parsed.fovea, folder, settings["preset"], settings["network"]["size"],
                              out / "images" / source)
        data, validation, rows = dataset.prepare(settings, parsed.folders, out / "images", out, report)
        trainer = train.Trainer(settings, out, _initial_weights(parsed, settings, data, out, report),
                                network.load_teacher(parsed.teacher) if parsed.teacher else None)
        if trainer.resume():
            report(f"continuing after epoch {int(trainer.epoch)}")
        trainer.fit(data, validation, report)
        _ship(parsed, settings, rows, validation, trainer, out, report)
    except (settings_module.SettingsError, labels.LabelError, images.ImageError, network.TeacherError, train.ResumeError,
            export.ExportError, OSError) as error:
        print(f"recipe: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
