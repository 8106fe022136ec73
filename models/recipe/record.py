# SPDX-License-Identifier: Apache-2.0
"""What a run was made of and what came out: settings.json and figures.json in its folder, for later comparison."""
import collections
import csv
import hashlib
import json
import pathlib

from fovea_tools.file import fovea_file

from . import split

FORMAT = "fovea-recipe-run 1"
AFTER_TRAINING = ("training.start_share",)  # what a finished run may be shipped with another value of
NOT_COMPARED = ("name", "card", "provenance", "labels", "thesis")  # what does not change the training


class RecordError(Exception):
    pass


def file_record(path):
    """{"file", "sha256"} of a file that the run starts from, with "run", what is known of where it comes from; or None."""
    if path is None:
        return None
    path = pathlib.Path(path)
    found = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    run = _of_detector(path) if path.suffix == ".fovea" else _of_run(path.parent)
    return {**found, "run": run} if run else found


def _of_run(folder):
    """What a run's folder tells of it: name, settings of the training, epochs, photos, and what it started from in turn."""
    if not (folder / "settings.json").is_file() or not (folder / "history.csv").is_file() or not (folder / "split.csv").is_file():
        return None
    before = read(folder / "settings.json")
    with open(folder / "split.csv", newline="") as file:
        photos = collections.Counter(row["source"] for row in csv.DictReader(file) if row["side"] == split.TRAIN)
    settings, history = before["settings"], read_history(folder / "history.csv")
    return {"name": settings["name"], "training": settings["training"], "epochs": len(history), "trained_on": dict(photos),
            "start": before["start"]}


def _of_detector(path):
    try:
        facts = dict(fovea_file.read_fovea(path.read_bytes()).provenance)
    except fovea_file.FormatError:
        return None  # who reads the weights says what is wrong
    return {"detector": facts.get("model_name", path.stem), "training_data": facts.get("training_data", "")}


def flat(record):
    """{"training.batch": 32, ...} of everything in a record that may change the training."""
    found = {}
    for table, value in record["settings"].items():
        if table in NOT_COMPARED:
            continue
        if isinstance(value, dict):
            found.update({f"{table}.{key}": item for key, item in value.items()})
        else:
            found[table] = value
    for key, value in record["start"].items():
        found[key] = value["file"] if value else None
    found["unseen"] = record["unseen"]
    return found


def write(path, value):
    """JSON, whole or not at all."""
    part = pathlib.Path(path).with_suffix(".part")
    part.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def read(path):
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: {error}") from error


def read_history(path):
    """The rows of a history.csv, as numbers."""
    with open(path, newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    return [{**row, "epoch": int(row["epoch"])} for row in rows]  # written again it is the text that it was


def kept_epoch(training, history):
    """The row of the history whose weights the training kept. training: the settings' table."""
    return history[-1] if training["keep"] == "last" else max(history, key=lambda row: row["mean_auc"])


def begin(folder, settings, start, unseen, epoch, report):
    """Writes settings.json, and gives it. What differs from the settings that the run began with is reported and kept on record
    with the epoch after which it changed. start: {"warm_start", "teacher", "initial_weights"} of file_record."""
    path = pathlib.Path(folder) / "settings.json"
    now = {"format": FORMAT, "settings": settings, "start": start, "unseen": unseen, "changed": []}
    if epoch and path.is_file():
        before = read(path)
        old, new = flat(before), flat(now)
        now["changed"] = before["changed"]
        for key in sorted((set(old) | set(new)) - set(AFTER_TRAINING)):
            if old.get(key) != new.get(key):
                report(f"{key} was {old.get(key)!r} until epoch {epoch} and is {new.get(key)!r} from now on")
                now["changed"].append({"key": key, "was": old.get(key), "now": new.get(key), "after_epoch": epoch})
    write(path, now)
    return now
