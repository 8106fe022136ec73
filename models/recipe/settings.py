# SPDX-License-Identifier: Apache-2.0
"""Reads a detector's settings file. Every key of the shipped file is needed; an unknown one is a mistake."""
import pathlib
import tomllib

TARGETS = {"any_dr": 1, "referable_dr": 2}  # lowest grade that counts as positive

KEYS = {
    "": {"name", "target", "labels", "network", "preset", "split", "training", "augment", "distill", "card",
         "provenance"},
    "network": {"architecture", "alpha", "size"},
    "split": {"seed", "default_fraction", "near_duplicate", "fraction"},
    "training": {"seed", "epochs", "steps_per_epoch", "batch", "learning_rate", "warmup_steps", "weight_decay",
                 "dropout", "label_smoothing", "grade_loss", "clip_norm", "average_decay", "batch_norm_momentum",
                 "source_exponent", "sizes", "frozen_epochs"},
    "distill": {"answers", "features"},
    "card": {"data", "training", "never_tested", "licence"},
    "augment": {"zoom", "stretch", "shift", "soften", "desaturate", "contrast", "tint", "brightness", "noise", "mask",
                "companions"},
}


class SettingsError(Exception):
    pass


def check(settings, path="settings"):
    for table, keys in KEYS.items():
        present = set(settings if table == "" else settings[table])
        where = f"{path}: [{table}]" if table else path
        if present - keys:
            raise SettingsError(f"{where}: unknown {', '.join(sorted(present - keys))}")
        if keys - present:
            raise SettingsError(f"{where}: missing {', '.join(sorted(keys - present))}")
    if settings["target"] not in TARGETS:
        raise SettingsError(f"{path}: target '{settings['target']}': known are {', '.join(TARGETS)}")
    if len(settings["labels"]) != 2:
        raise SettingsError(f"{path}: labels: the negative and the positive class, in this order")
    if "name" not in settings["preset"]:
        raise SettingsError(f"{path}: [preset]: missing name")
    return settings


def read(path):
    path = pathlib.Path(path)
    try:
        return check(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def positive_from(settings):
    """Lowest grade of the positive class."""
    return TARGETS[settings["target"]]
