# SPDX-License-Identifier: Apache-2.0
"""One command from folders of photos to a detector: pictures, split, training, figures, .fovea, model card."""
import argparse
import os
import pathlib
import signal
import sys

from fovea_tools.terminal import Parser, complain

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EXAMPLE = """examples (from the folder models/, fovea built in ../build/release):
  printf 'base = "small224.toml"\\nname = "mine"\\n[card]\\ntraining = ""\\nnever_tested = ""\\n' > recipe/mine.toml
  python -m recipe --settings recipe/mine.toml --fovea ../build/release/engine/cli/fovea \\
      --data aptos=~/photos/aptos --data idrid=~/photos/idrid --data eyepacs=~/photos/eyepacs \\
      --warm-start mobilenet_v3_large_minimalistic_224_uint8.tflite \\
      --golden ../tests/golden/data/photos/IDRiD_008.jpg --out ~/runs/mine
  python -m recipe ... --leave-out idrid --out ~/runs/without_idrid     # how well it does on a camera it never saw
  python -m recipe --protocol thesis --settings recipe/thesis224.toml --data aptos=~/photos/aptos ...
  python -m recipe ... --figures-only --out ~/runs/no_tint              # an experiment; python -m recipe.compare ~/runs/* shows them

Interrupted (Ctrl-C), the same command continues after the last finished epoch. Exit status: 0 done, 1 failed with a message, 2 wrong
usage, 130 interrupted."""


def _parser():
    parser = Parser(prog="python -m recipe", description=__doc__, epilog=EXAMPLE,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", required=True, metavar="FILE.toml", help="the detector's settings")
    parser.add_argument("--data", required=True, action="append", metavar="NAME=FOLDER",
                        help="a photo source: a folder with the photos and one label CSV; once for each source")
    parser.add_argument("--fovea", required=True, metavar="PROGRAM", help="the fovea program, which prepares the photos")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="everything made goes here")
    parser.add_argument("--warm-start", metavar="FILE.tflite",
                        help="8-bit MobileNetV3-Large minimalistic with ImageNet weights: the start of Large, and of Small's early blocks")
    parser.add_argument("--teacher", metavar="FILE", help="a trained Large of this recipe (.keras, or a detector's .fovea) that Small learns from")
    parser.add_argument("--initial-weights", metavar="FILE",
                        help="continue from the best weights of another run (.weights.h5) or from a detector (.fovea)")
    parser.add_argument("--split", metavar="FILE",
                        help="a split.csv of an earlier run (or X.split.csv of a detector): the photos named there stay on their side")
    parser.add_argument("--leave-out", metavar="NAME",
                        help="train without this source and validate on all its photos: an estimate for a camera never seen; "
                             "writes figures only")
    parser.add_argument("--protocol", choices=("honest", "thesis"), default="honest",
                        help="honest: photos are split before they are copied (default); thesis: train both ways, copied first and "
                             "split first, and write a page with the thesis's tables of both, protocols.html")
    parser.add_argument("--figures-only", action="store_true", help="stop after figures.json: no conversion, no model card")
    parser.add_argument("--golden", action="append", default=[], metavar="PHOTO",
                        help="a photo that may be redistributed, stored in the detector for its self-test")
    parser.add_argument("--compare", action="append", default=[], metavar="RUN",
                        help="folder of another run, to be shown on the model card; once for each")
    parser.add_argument("--note", action="append", default=[], metavar="TEXT",
                        help="a sentence about this run for the model card")
    parser.add_argument("--converter", default="fovea-convert", metavar="PROGRAM", help="default: fovea-convert")
    return parser


INTERRUPTED = 128 + signal.SIGINT   # the exit status of what an interrupt ended


def _parse(arguments):
    parser = _parser()
    parsed = parser.parse_args(arguments)
    from . import labels
    parsed.folders = labels.named_folders(parsed.data, parser)
    if parsed.protocol == "thesis" and (parsed.figures_only or parsed.leave_out):
        parser.error("--protocol thesis excludes --leave-out and --figures-only")
    parsed.ships = not parsed.figures_only and not parsed.leave_out and parsed.protocol == "honest"
    if parsed.ships and not parsed.golden:
        parser.error("--golden: at least one photo, or the detector has no self-test")
    if parsed.warm_start and parsed.initial_weights:
        parser.error("--warm-start and --initial-weights exclude each other")
    if parsed.leave_out and (parsed.leave_out not in parsed.folders or len(parsed.folders) < 2):
        parser.error(f"--leave-out {parsed.leave_out}: expected one of at least two sources named with --data")
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


def _initial_weights(arguments, settings, data, folder, report):
    """File with the weights to start from, or None for a random start."""
    from . import from_detector, record, warm_start
    given = arguments.initial_weights
    if given and not given.endswith(".fovea"):
        return given
    if not given and not arguments.warm_start:
        return None
    origin = record.file_record(given or arguments.warm_start)
    path = folder / f"initial_{origin['sha256'][:12]}.weights.h5"  # those of another file are other weights
    if not path.exists():
        report(f"taking over the weights of {given or arguments.warm_start}; on a few cores this takes minutes")
        if given:
            from_detector.write(path, settings, given, data, report)
        else:
            warm_start.write(path, settings, arguments.warm_start, data, report)
    return path


def _teacher(path, settings, data, strategy, report):
    """The trained network that this one learns from, or None."""
    from . import from_detector, network
    if path is None:
        return None
    if path.endswith(".fovea"):
        return from_detector.teacher(settings, path, data, strategy, report)
    return network.load_teacher(path, len(settings["labels"]), strategy)


def _trained(parsed, settings, data, validation, folder, report):
    """(the trainer after its last epoch, what the run was made of)."""
    from . import devices, record, train
    folder.mkdir(exist_ok=True)
    strategy = devices.strategy()
    teacher = _teacher(parsed.teacher, settings, data, strategy, report)
    trainer = train.Trainer(settings, folder, _initial_weights(parsed, settings, data, folder, report), teacher, strategy)
    if trainer.resume():
        report(f"continuing after epoch {int(trainer.epoch)}")
    start = {key: record.file_record(getattr(parsed, key)) for key in ("warm_start", "teacher", "initial_weights")}
    run_record = record.begin(folder, settings, start, parsed.leave_out, int(trainer.epoch), report)
    trainer.fit(data, validation, report, unseen=parsed.leave_out)
    return trainer, run_record


def _train_detector(parsed, settings, out, report):
    """The usual way: split, train, measure, ship."""
    from . import dataset, ship, split
    # A run that goes on with photos added keeps its sides: what was trained on must not be validated on.
    begun = out / "split.csv" if (out / "split.csv").is_file() and (out / "history.csv").is_file() else None
    before = begun or parsed.split
    earlier = split.read_earlier(before) if before else None
    data, validation, rows = dataset.prepare(settings, parsed.folders, out / "images", out, report, parsed.leave_out, earlier)
    trainer, run_record = _trained(parsed, settings, data, validation, out, report)
    model = ship.best_model(settings, trainer)
    measured = ship.write_figures(model, data, validation, trainer, parsed.leave_out, out, report)
    if parsed.ships:
        ship.write_detector(parsed, run_record, rows, validation, measured, model, trainer, out, report)
    else:
        report(f"done: {out / 'figures.json'}")


def _compare_protocols(parsed, settings, out, report):
    """Trains by the thesis's protocol and by the honest one, and shows both on a page."""
    from . import dataset, network, protocol, protocol_page, ship
    collection = dataset.collect(settings, parsed.folders, out / "images", report)
    found = {}
    for name in protocol.PROTOCOLS:
        report(f"protocol: {name}")
        parts = protocol.divide(name, settings, collection)
        trainer, _ = _trained(parsed, settings, parts.sides["train"], parts.sides["validation"], out / name, report)
        model = ship.best_model(settings, trainer)
        report("measuring")
        measured = protocol.measure(model, parts, network.forward(model))
        found[name] = protocol_page.protocol_figures(settings, parts, measured, len(trainer.history))
    report(f"done: {protocol_page.write(out, settings, found)}")


def _what_continues(out):
    """What the same command will find done, for someone who stopped it."""
    from . import record
    epochs = {path.parent: len(record.read_history(path)) for path in (out / "history.csv", *sorted(out.glob("*/history.csv")))
              if path.is_file()}
    done = "; ".join(f"{folder}: {count} {'epoch is' if count == 1 else 'epochs are'} finished" for folder, count in epochs.items())
    return (f"The same command continues: {done}, and what was begun after that begins anew." if done else
            f"The same command continues: no epoch is finished, the pictures that are ready in {out / 'images'} are kept.")


def main(arguments=None):
    parsed = _parse(arguments)
    out = pathlib.Path(parsed.out).expanduser()
    try:
        return _run(parsed, out)
    except KeyboardInterrupt:
        print(f"\nrecipe: stopped. {_what_continues(out)}", file=sys.stderr)
        return INTERRUPTED


def _run(parsed, out):
    # Only now, so that --help and a wrong option answer at once.
    from . import compare, export, from_detector, images, labels, network, parity, prose, protocol, record, sampling, split, train
    from . import settings as settings_module
    try:
        settings = settings_module.read(parsed.settings)
        for folder in parsed.compare:
            compare.read_run(folder)  # a wrong name ends here, not after hours
        if parsed.ships:
            prose.check(settings, list(parsed.folders))
        out.mkdir(parents=True, exist_ok=True)
        report = _Progress(out / "train.log")
        images.preprocess_all(parsed.fovea, parsed.folders, settings["preset"], settings["network"]["size"], out / "images", report)
        (_compare_protocols if parsed.protocol == "thesis" else _train_detector)(parsed, settings, out, report)
    except (settings_module.SettingsError, labels.LabelError, images.ImageError, network.TeacherError, train.ResumeError,
            train.WeightsError, sampling.SamplingError, split.SplitError, prose.ProseError, record.RecordError, export.ExportError,
            protocol.ProtocolError, from_detector.DetectorError, parity.ParityError, OSError) as error:
        complain("recipe", str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
