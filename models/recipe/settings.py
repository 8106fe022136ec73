# SPDX-License-Identifier: Apache-2.0
"""Reads a detector's settings file. Every key of the shipped file is needed, in it or in the file that it names as its base; an
unknown one is a mistake."""
import pathlib
import tomllib

WORDS = ("training", "never_tested")  # of [card]: what was done with the photos and what was not; nobody else's hold
TARGETS = {"any_dr": 1, "referable_dr": 2, "grade5": 1}  # lowest grade that counts as positive
GRADES = "grade5"  # the target of one class a grade

KEYS = {
    "": {"name", "target", "labels", "network", "preset", "split", "training", "augment", "distill", "card",
         "provenance"},
    "network": {"architecture", "alpha", "size"},
    "split": {"seed", "default_fraction", "near_duplicate", "same_patients", "fraction"},
    "training": {"seed", "epochs", "steps_per_epoch", "batch", "optimizer", "learning_rate", "schedule", "warmup_steps",
                 "weight_decay", "dropout", "label_smoothing", "grade_loss", "clip_norm", "average_decay",
                 "batch_norm_momentum", "class_balance", "source_exponent", "sizes", "frozen_epochs", "frozen_blocks",
                 "cached_views",
                 "keep", "start_share"},
    "distill": {"answers", "features"},
    "card": {"data", "training", "never_tested", "licence"},
    "augment": {"rotations", "zoom", "stretch", "shift", "soften", "desaturate", "contrast", "tint", "brightness", "noise",
                "jpeg", "jpeg_quality", "mask", "companions"},
}

CHOICES = {
    ("network", "architecture"): ("small", "large"),
    ("training", "optimizer"): ("adamw", "adam"),
    ("training", "schedule"): ("cosine", "constant"),
    ("training", "keep"): ("best", "last"),
    ("training", "class_balance"): (True, False),
}
# Least and greatest value; whole where both are whole numbers.
RANGES = {
    ("network", "size"): (32, 2048), ("network", "alpha"): (0.1, 2.0),
    ("training", "epochs"): (1, 10000), ("training", "steps_per_epoch"): (0, 10**6), ("training", "batch"): (2, 10**4),
    ("training", "seed"): (0, 2**31 - 1), ("training", "warmup_steps"): (0, 10**6), ("training", "frozen_epochs"): (0, 10000),
    ("training", "frozen_blocks"): (0, 13), ("training", "cached_views"): (0, 1000),
    ("training", "learning_rate"): (1e-9, 10.0), ("training", "weight_decay"): (0.0, 10.0), ("training", "dropout"): (0.0, 0.95),
    ("training", "label_smoothing"): (0.0, 0.9), ("training", "grade_loss"): (0.0, 100.0), ("training", "clip_norm"): (0.0, 1e9),
    ("training", "average_decay"): (0.0, 0.99999), ("training", "batch_norm_momentum"): (0.0, 0.99999),
    ("training", "source_exponent"): (0.0, 2.0), ("training", "start_share"): (0.0, 0.9),
    ("augment", "rotations"): (0, 360), ("augment", "companions"): (0.0, 1.0), ("augment", "jpeg"): (0.0, 1.0),
    ("distill", "answers"): (0.0, 1.0), ("distill", "features"): (0.0, 1e6),
    ("split", "seed"): (0, 2**31 - 1), ("split", "default_fraction"): (0.01, 0.9), ("split", "near_duplicate"): (0.0, 1.1),
}


class SettingsError(Exception):
    pass


def _check_keys(settings, path):
    for table, keys in KEYS.items():
        found = settings if table == "" else settings[table]
        where = f"{path}: [{table}]" if table else path
        if not isinstance(found, dict):
            raise SettingsError(f"{path}: {table} is no table")
        present = set(found)
        if present - keys:
            raise SettingsError(f"{where}: unknown {', '.join(sorted(present - keys))}")
        if keys - present:
            raise SettingsError(f"{where}: missing {', '.join(sorted(keys - present))}")


def _check_values(settings, path):
    for (table, key), choices in CHOICES.items():
        value = settings[table][key]
        if value not in choices:
            raise SettingsError(f"{path}: [{table}] {key} = {value!r}: known are {', '.join(map(str, choices))}")
    for (table, key), (low, high) in RANGES.items():
        value = settings[table][key]
        kinds = int if isinstance(low, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            kind = "whole number" if kinds is int else "number"
            raise SettingsError(f"{path}: [{table}] {key} = {value!r}: expected a {kind} from {low} to {high}")


def _check_sizes(sizes, path):
    where = f"{path}: [training] sizes = {sizes!r}"
    if not isinstance(sizes, list) or not sizes or not all(
            isinstance(row, list) and len(row) == 2 and all(type(value) is int for value in row) for row in sizes):
        raise SettingsError(f"{where}: expected [[first epoch, side], ...]")
    firsts = [first for first, _ in sizes]
    if firsts[0] != 0 or firsts != sorted(set(firsts)):
        raise SettingsError(f"{where}: the first epochs must begin with 0 and rise")
    if any(side < 32 or side % 32 for _, side in sizes):
        raise SettingsError(f"{where}: each side must be a multiple of 32")


def _check_qualities(qualities, path):
    if (not isinstance(qualities, list) or len(qualities) != 2 or not all(type(quality) is int and 1 <= quality <= 100 for quality in qualities)
            or qualities[0] > qualities[1]):
        raise SettingsError(f"{path}: [augment] jpeg_quality = {qualities!r}: expected [lowest, highest], whole numbers from 1 to 100")


def _check_words(settings, path):
    if "training_data" in settings["provenance"]:
        raise SettingsError(f"{path}: [provenance] training_data: the run itself writes it, from its photos")
    for key, value in settings["card"].items():
        texts = value.values() if key == "data" and isinstance(value, dict) else [value]
        if (key == "data") != isinstance(value, dict) or not all(isinstance(text, str) for text in texts):
            raise SettingsError(f"{path}: [card] {key}: expected " + ("a table, a text for each source" if key == "data" else "a text"))


def _check_same_patients(groups, path):
    names = [name for group in groups for name in group] if isinstance(groups, list) and all(isinstance(g, list) for g in groups) else None
    if names is None or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise SettingsError(f"{path}: [split] same_patients = {groups!r}: expected [[source, source, ...], ...], each source once")


def check(settings, path="settings"):
    _check_keys(settings, path)
    if settings["target"] not in TARGETS:
        raise SettingsError(f"{path}: target '{settings['target']}': known are {', '.join(TARGETS)}")
    labels, wanted = settings["labels"], 5 if settings["target"] == GRADES else 2
    if not isinstance(labels, list) or len(labels) != wanted:
        raise SettingsError(f"{path}: labels: " + ("the five grades, the lowest first" if wanted == 5 else
                                                   "the negative and the positive class, in this order"))
    if "name" not in settings["preset"]:
        raise SettingsError(f"{path}: [preset]: missing name")
    _check_values(settings, path)
    _check_same_patients(settings["split"]["same_patients"], path)
    _check_sizes(settings["training"]["sizes"], path)
    if settings["network"]["size"] % 32:
        raise SettingsError(f"{path}: [network] size = {settings['network']['size']}: expected a multiple of 32")
    _check_words(settings, path)
    _check_qualities(settings["augment"]["jpeg_quality"], path)
    if settings["augment"]["rotations"] and settings["augment"]["companions"]:
        raise SettingsError(f"{path}: [augment] rotations and companions exclude each other")
    training, augment = settings["training"], settings["augment"]
    if training["cached_views"] and (not training["frozen_blocks"] or augment["rotations"] or augment["companions"] or len(training["sizes"]) > 1):
        raise SettingsError(f"{path}: [training] cached_views: needs frozen_blocks and one size, and neither rotations nor companions")
    return settings


def _load(path):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _over_base(settings, path):
    """The settings of the file that `base` names, beside this one, with these over them."""
    base_path = path.parent / str(settings["base"])
    merged = _load(base_path)
    if "base" in merged:
        raise SettingsError(f"{path}: base = {settings['base']!r}: it has a base itself")
    own, card = settings.get("card", {}), merged.get("card", {})
    if settings.get("name", merged.get("name")) != merged.get("name") and isinstance(own, dict) and isinstance(card, dict):
        inherited = [key for key in WORDS if key in card and key not in own]
        if inherited:
            raise SettingsError(f"{path}: [card] {', '.join(inherited)}: not taken over from {base_path.name}, which tells of "
                                f"{merged.get('name')}; say here what holds for {settings['name']}")
    _lay_over(merged, {key: value for key, value in settings.items() if key != "base"})
    return merged


def _lay_over(below, above):
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _lay_over(below[key], value)
        else:
            below[key] = value


def read(path):
    path = pathlib.Path(path)
    settings = _load(path)
    return check(_over_base(settings, path) if "base" in settings else settings, str(path))


def positive_from(settings):
    """Lowest grade of the positive class."""
    return TARGETS[settings["target"]]


def has_grades(settings):
    """Whether the network has a class for each grade."""
    return settings["target"] == GRADES
