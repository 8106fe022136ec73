# SPDX-License-Identifier: Apache-2.0
"""A Markdown table of runs: what differs in their settings, and what came out."""
import argparse
import pathlib
import sys

from fovea_tools.terminal import Parser, complain

from . import record

EXAMPLE = """example (from the folder models/):
  python -m recipe.compare ~/runs/base ~/runs/no_mask ~/runs/companions

Reads settings.json and figures.json of each folder; of a run that has no figures yet, the kept epoch of its history.csv.
Exit status: 0 done, 1 failed with a message, 2 wrong usage."""
NOTHING = "–"


def _are_figures(value):
    return (isinstance(value, dict) and {"sources", "mean_auc", "kept_epoch", "epochs"} <= set(value)
            and isinstance(value["sources"], dict)
            and all(isinstance(figure, dict) and {"auc", "unseen"} <= set(figure) for figure in value["sources"].values()))


def read_run(folder):
    """{"name", "settings" (flat), "changed", "figures"} of a run's folder."""
    folder = pathlib.Path(folder).expanduser()
    settings = record.read(folder / "settings.json")
    if not isinstance(settings, dict) or settings.get("format") != record.FORMAT or not isinstance(settings.get("settings"), dict):
        raise record.RecordError(f"{folder / 'settings.json'}: not of a run of this recipe")
    if (folder / "figures.json").is_file():
        figures = record.read(folder / "figures.json")
        if not _are_figures(figures):
            raise record.RecordError(f"{folder / 'figures.json'}: not the figures of a run of this recipe")
    else:
        figures = _from_history(folder / "history.csv", settings)
    return {"name": folder.resolve().name, "settings": record.flat(settings), "changed": settings["changed"], "figures": figures}


def _from_history(path, run_record):
    try:
        rows = record.read_history(path)
        kept = record.kept_epoch(run_record["settings"]["training"], rows)
        unseen = run_record["unseen"]
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise record.RecordError(f"{path}: no finished epoch ({error})") from error
    sources = {key.removeprefix("auc_"): {"auc": [value], "unseen": key == f"auc_{unseen}"}
               for key, value in kept.items() if key.startswith("auc_")}
    return {"sources": sources, "mean_auc": kept["mean_auc"], "kept_epoch": kept["epoch"], "epochs": len(rows)}


def differences(runs):
    """The keys whose values are not alike in all runs, in a fixed order."""
    keys = sorted({key for run in runs for key in run["settings"]})
    return [key for key in keys if any(run["settings"].get(key) != runs[0]["settings"].get(key) for run in runs)]


def _shown(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return str(value)


def _setting_text(run, keys):
    """Only tables of one name each ("training.batch" as "batch"): the full key where two tables share a name."""
    names = [key.rpartition(".")[2] for key in keys]
    parts = []
    for key, name in zip(keys, names):
        shown = key if names.count(name) > 1 else name
        parts.append(f"{shown} {_shown(run['settings'].get(key))}")
    parts += [f"{change['key']} {_shown(change['was'])} until epoch {change['after_epoch']}" for change in run["changed"]]
    return "; ".join(parts) or NOTHING


def _number(value):
    return NOTHING if value is None else f"{value:.3f}"


def _of_source(figure):
    if not figure or not figure.get("auc"):
        return NOTHING
    return _number(figure["auc"][0]) + (" (unseen)" if figure["unseen"] else "")


def table(runs):
    """The table as Markdown. runs: of read_run. Masked corners and rim are told for the source with the most photos."""
    sources = sorted({source for run in runs for source in run["figures"]["sources"]})
    sizes = {source: max(run["figures"]["sources"].get(source, {}).get("photos", 0) for run in runs) for source in sources}
    largest = max(sources, key=lambda source: sizes[source])
    keys = differences(runs)
    head = ["run", "what differs", *sources, "mean", "mean, referable", f"{largest}, corners masked: accuracy, AUC",
            f"{largest}, rim only", "epoch"]
    lines = ["| " + " | ".join(head) + " |", "|" + "--|" * len(head)]
    for run in runs:
        figures = run["figures"]
        of_largest = figures["sources"].get(largest, {})
        masked = of_largest.get("corners_masked")
        lines.append("| " + " | ".join([
            run["name"], _setting_text(run, keys), *(_of_source(figures["sources"].get(source)) for source in sources),
            _number(figures["mean_auc"]), _number(figures.get("mean_referable_auc")),
            f"{masked['accuracy']:.3f}, {masked['auc']:.3f}" if masked else NOTHING, _number(of_largest.get("rim_only_auc")),
            f"{figures['kept_epoch']} of {figures['epochs']}"]) + " |")
    return "\n".join(lines)


def main(arguments=None):
    parser = Parser(prog="python -m recipe.compare", description=__doc__, epilog=EXAMPLE,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="a folder that a training wrote (--out)")
    parsed = parser.parse_args(arguments)
    try:
        print(table([read_run(folder) for folder in parsed.runs]))
    except record.RecordError as error:
        complain("recipe.compare", str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
