# SPDX-License-Identifier: Apache-2.0
"""Writes the model card from the measured figures; nothing in it is typed in by hand twice."""
import dataclasses

from . import compare, parity, probes, record
from .compare import NOTHING

POINTS = {
    "balanced": "sensitivity and specificity alike",
    "sensitivity_95": "95 % sensitivity",
    "specificity_95": "95 % specificity",
}
TARGETS = {"any_dr": "any diabetic retinopathy (ICDR grade 1 to 4)",
           "referable_dr": "referable diabetic retinopathy (ICDR grade 2 to 4)",
           "grade5": "diabetic retinopathy and gives its grade (ICDR 0 to 4), and with it says whether there is any (grade 1 to 4) and whether it "
                     "is referable (grade 2 to 4), each at thresholds of its own,"}

RIM_LIMIT = 0.7   # AUC of the rim alone from which the card warns
CAMERA_LIMIT = 0.8  # AUC of a classifier that sees no lesion from which the card warns
WEAK_LIMIT = 0.8  # lower end of a source's AUC interval below which the card warns


@dataclasses.dataclass(frozen=True)
class Facts:
    """All that a card is made of."""

    record: dict        # of record.begin: settings, what the run started from, what changed on the way
    measured: dict      # of measure.measure, with "parity" of parity.compare
    split_rows: list    # [(source, positive, side), ...] of every photo
    history: list
    notes: list         # sentences about this run
    runs: list          # of compare.read_run: other runs to show beside this one


def _interval(value):
    """A figure with its interval, or without where there is none."""
    if value is None:
        return NOTHING
    return f"{value[0]:.3f}" + (f" ({value[1]:.3f}–{value[2]:.3f})" if len(value) == 3 else "")


def _side_counts(split_rows):
    """{source: {side: [count, positives]}} for the table of the data."""
    counts = {}
    for source, positive, side in split_rows:
        cell = counts.setdefault(source, {}).setdefault(side, [0, 0])
        cell[0] += 1
        cell[1] += positive
    return counts


def _epochs(training, epochs):
    if not training["steps_per_epoch"]:
        return f"{epochs} epochs, in each of which every picture is used once, in batches of {training['batch']}"
    return f"{epochs} epochs of {training['steps_per_epoch']} batches of {training['batch']}"


def _drawing(training):
    if not training["steps_per_epoch"]:
        return ""
    classes = "both classes within it" if training["class_balance"] else "its classes as they are"
    return f" Every source and {classes} are drawn in fixed shares."


def _kept(training, best):
    if training["keep"] == "last":
        return "the last epoch"
    return f"the epoch with the best mean of the sources' validation AUCs (epoch {int(best['epoch'])})"


def _earlier(weights):
    """Sentences on the run, or the detector, that weights are of, and on what came before it, as far as its folder tells."""
    lines = [f"It starts from the weights of another run (`{weights['file']}`, SHA-256 {weights['sha256']})"]
    run = weights.get("run")
    if not run:
        return [lines[0] + ", whose history is not known here."]
    if "detector" in run:
        told = f", trained on: {run['training_data']}" if run["training_data"] else ""
        return [f"{lines[0]}, the detector `{run['detector']}`{told}."]
    photos = ", ".join(f"{source} {count:,}" for source, count in run["trained_on"].items())
    lines[0] += f": `{run['name']}`, {_epochs(run['training'], run['epochs'])}, photos to train: {photos}."
    start = run["start"]
    if start["initial_weights"]:
        lines.append("That one: " + " ".join(_earlier(start["initial_weights"])))
    elif start["warm_start"]:
        lines.append(f"That one started from ImageNet weights (`{start['warm_start']['file']}`).")
    else:
        lines.append("That one started from random numbers.")
    if start["teacher"]:
        lines.append(f"It learnt from `{start['teacher']['file']}`, too.")
    return lines


def _start(record):
    """Sentences on what the weights started from, which only the run itself knows."""
    settings, start = record["settings"], record["start"]
    lines = []
    if start["warm_start"]:
        taken = {"large": "The backbone starts from ImageNet weights", "small": "The stem and blocks 1 to 5 start from ImageNet weights"}
        lines.append(f"{taken[settings['network']['architecture']]} of MobileNetV3-Large minimalistic (8-bit TFLite, Apache-2.0; "
                     f"`{start['warm_start']['file']}`), the rest from random numbers.")
    elif start["initial_weights"]:
        lines += _earlier(start["initial_weights"])
    else:
        lines.append("All weights start from random numbers.")
    if start["teacher"]:
        share, weight = settings["distill"]["answers"], settings["distill"]["features"]
        lines.append(f"It also learnt from a trained Large (`{start['teacher']['file']}`, SHA-256 {start['teacher']['sha256']}): "
                     f"its answers are {share:g} of the target, its features weigh {weight:g}.")
    sizes = settings["training"]["sizes"]
    if any(side != settings["network"]["size"] for _, side in sizes):
        lines.append("Trained on pictures of side " + ", ".join(f"{side} from epoch {first + 1}" for first, side in sizes)
                     + f"; measured at {settings['network']['size']}.")
    if settings["augment"]["rotations"]:
        lines.append(f"Each photo was used as {settings['augment']['rotations']} fixed pictures: itself and copies rotated by random "
                     "angles.")
    if settings["training"]["start_share"]:
        lines.append(f"Of each weight that is shipped a share of {settings['training']['start_share']:g} is that which it started from.")
    if settings["training"]["frozen_epochs"]:
        lines.append(f"In the first {settings['training']['frozen_epochs']} epochs only the head was trained.")
    if settings["training"]["frozen_blocks"]:
        views = settings["training"]["cached_views"]
        lines.append(f"The stem and the first {settings['training']['frozen_blocks']} blocks stay as they were"
                     + (f"; {views} random views of each photo were used, drawn once." if views else "."))
    for change in record["changed"]:
        lines.append(f"`{change['key']}` was {change['was']} until epoch {change['after_epoch']}, then {change['now']}.")
    return lines


def _warnings(measured):
    """What the figures themselves say against the detector."""
    lines = []
    rim = [source for source, value in measured["blanked"]["rim only"].items() if value["auc"] > RIM_LIMIT]
    if rim:
        lines.append(f"The rim alone tells much on {', '.join(rim)}: part of the figures there may come from the camera, not the eye.")
    found = {source for probe in measured["classical"]["original"].values() for source, value in probe.items()
             if value["auc"] > CAMERA_LIMIT}
    if found:
        lines.append(f"On {', '.join(sorted(found))} even a classifier that sees no lesion does well: good figures there prove little.")
    weak = [source for source, figure in measured["figures"]["sources"].items() if figure["auc"] and figure["auc"][1] < WEAK_LIMIT]
    if weak:
        lines.append(f"The detector is weak on {', '.join(weak)}: the interval of the AUC there reaches below {WEAK_LIMIT}.")
    return [*lines, ""] if lines else []


def _table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "--|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]


def _auc(value):
    return f"{value['auc']:.3f}" if value else NOTHING


def _shortcuts(measured):
    """The section that holds the detector against what needs no lesion."""
    figures, blanked, classical = measured["figures"], measured["blanked"], measured["classical"]
    sources = list(figures["sources"])
    whole = [f"{figure['auc'][0]:.3f}" if figure["auc"] else NOTHING for figure in figures["sources"].values()]
    out = ["## Does it look at the eye?", "",
           "Clinics that send ill eyes often use another camera than those that send healthy ones, and a network can learn the "
           "camera. AUC of the detector on the same photos with parts blanked; with the rim alone about 0.5 would be ideal:", ""]
    out += _table(["what is left", *sources], [
        ["everything", *whole],
        *([probe, *(_auc(values.get(source)) for source in sources)] for probe, values in blanked.items())])
    masked = blanked["corners masked"]
    out += ["", f"Accuracy with masked corners (black outside {probes.MASK:g} of the inscribed disc), by the likelier class: "
            + ", ".join(f"{source} {value['accuracy']:.3f}" for source, value in masked.items()) + ".", "",
            f"Classifiers that see no lesion (random forests, trained on the {classical['trained_photos']} training photos of "
            f"{classical['trained_on']}), AUC on the validation photos from the photo as the camera framed it / from what the network "
            "sees:", ""]
    out += _table(["what they see", *sources], [
        [probes.DESCRIPTION[probe],
         *(f"{_auc(classical['original'][probe].get(source))} / {_auc(classical['seen'][probe].get(source))}" for source in sources)]
        for probe in classical["original"]])
    own = classical["trained_on"]
    if own in figures["sources"]:
        shares = [f"{probe} {values[own]['accuracy']:.3f}" for probe, values in classical["original"].items() if own in values]
        out += ["", f"Their accuracy on {own}, from the photo as framed: {', '.join(shares)}."]
    return [*out, ""]


def _unseen(runs):
    """What runs that left a source out say of a camera that training never saw."""
    rows = []
    for run in runs:
        for source, figure in run["figures"]["sources"].items():
            if figure["unseen"]:
                referable = figure.get("referable_auc")
                rows.append([source, f"{figure.get('photos', NOTHING)} ({figure.get('positive', NOTHING)})",
                             _interval(figure["auc"]),
                             f"{referable:.3f}" if referable else NOTHING])
    if not rows:
        return []
    return ["## An unseen camera", "",
            "Estimated by training without one source at a time; the table of experiments names what else differed. All photos of that "
            "source are then validation photos, and it chose neither epoch nor thresholds. They are figures of those networks, not of "
            "this one.", "",
            *_table(["source left out", "photos (positive)", "AUC", "AUC, referable"], rows), ""]


def _points(figures):
    """A table for each operating point: what it does on each source."""
    out = []
    for point, threshold in figures["thresholds"].items():
        out += [f"### `{point}`: {POINTS[point]}, threshold {threshold:.6f}", "",
                "| source | sensitivity | specificity | accuracy | TP / FN / TN / FP |", "|--|--|--|--|--|"]
        for source, figure in figures["sources"].items():
            row = figure["operating_points"][point]
            out.append(f"| {source} | {_interval(row['sensitivity'])} | {_interval(row['specificity'])} | "
                       f"{_interval(row['accuracy'])} | {row['true_positive']} / {row['false_negative']} / "
                       f"{row['true_negative']} / {row['false_positive']} |")
        out.append("")
    return out


def _grades(grades):
    """The section on the grades themselves."""
    out = ["## The grade", "", "The highest grade that is reached or exceeded with a probability of a half or more, against the label's; photos of unknown grade "
           "are left out. Kappa: quadratic weights, the interval by a bootstrap over groups of photos.", "",
           *_table(["source", "photos", "quadratic kappa", "accuracy"],
                   [[source, str(found["photos"]), _interval(found["kappa"]), _interval(found["accuracy"])] for source, found in grades.items()]),
           "", "Photos of all sources, the label's grade down, the network's across:", ""]
    together = [[sum(found["confusion_rows_true"][row][column] for found in grades.values()) for column in range(5)] for row in range(5)]
    out += [*_table(["", *map(str, range(5))], [[str(grade), *map(str, row)] for grade, row in enumerate(together)]), ""]
    silent = [str(grade) for grade in range(5) if not any(row[grade] for row in together)]
    return [*out, f"**Grade {' and '.join(silent)} is told of no photo.**", ""] if silent else out


def text(facts):
    """The card as Markdown."""
    settings, measured, history = facts.record["settings"], facts.measured, facts.history
    figures = measured["figures"]
    net, training, notes = settings["network"], settings["training"], settings["card"]
    counts = _side_counts(facts.split_rows)
    best = record.kept_epoch(training, history)
    out = [f"# {settings['name']}", "",
           f"Looks for signs of {TARGETS[settings['target']]} in a photograph of the back of the eye.", "",
           "**For research only. Not a medical device.** The result is no diagnosis, and \"no signs found\" does not mean a healthy eye.",
           "", "## The network", "",
           f"MobileNetV3-{net['architecture'].capitalize()} with a CBAM attention head, input {net['size']} x {net['size']} RGB, "
           f"outputs {', '.join(f'`{label}`' for label in settings['labels'])} (softmax). "
           f"Photos go through the preset `{settings['preset']['name']}`"
           + "".join(f", {key} `{value}`" for key, value in settings["preset"].items() if key != "name")
           + ", by the same program in training and in use; the preset is stored in the file.",
           "", "## Data", "",
           "| source | training | of these positive | validation | of these positive | left out |", "|--|--|--|--|--|--|"]
    for source, sides in counts.items():
        cell = {side: sides.get(side, [0, 0]) for side in ("train", "validation", "dropped")}
        out.append(f"| {source} | {cell['train'][0]} | {cell['train'][1]} | {cell['validation'][0]} | "
                   f"{cell['validation'][1]} | {cell['dropped'][0]} |")
    out += ["", *(f"- `{source}`: {' '.join(notes['data'][source].split())}" for source in counts), "",
            "Originals were split before any augmentation. Photos with the same pixels, nearly the same picture, or the same "
            "patient (where the data set tells) are on the same side. Of identical photos one is used; identical photos "
            f"whose labels disagree are left out. `{settings['name']}.split.csv` says which photo is on which side.", "",
            "## Training", "", *_start(facts.record), *notes["training"].strip().splitlines(), "",
            f"{_epochs(training, len(history))}; settings in `models/recipe/{settings['name']}.toml`.{_drawing(training)} "
            f"{'The weights are a running average; kept' if training['average_decay'] else 'Kept'} is {_kept(training, best)}.",
            *facts.notes, "", "## Validation figures", "",
            "Measured on the validation photos above, with 95 % intervals (AUC: DeLong, with Obuchowski's variance "
            "for photos of one group; the rest: Wilson). **The same photos chose the epoch, the temperature and the thresholds, so these "
            "figures are somewhat too good.** They are no test figures.", "",
            "| source | photos (positive) | AUC | AUC for referable DR (grade 2 to 4) | calibration error |", "|--|--|--|--|--|"]
    for source, figure in figures["sources"].items():
        referable = measured["referable"].get(source)
        out.append(f"| {source} | {figure['photos']} ({figure['positive']}) | {_interval(figure['auc'])} | "
                   f"{NOTHING if referable is None else format(referable, '.3f')} | {figure['calibration_error']:.3f} |")
    out += ["", f"Mean of the AUCs: {figures['mean_auc']:.3f}. Temperature: {figures['temperature']:.4f}.", ""]
    if "referable_figures" in measured:
        out += _grades(measured["grades"])
        out += ["## Any DR", "", *_points(figures), "## Referable DR, which decides the result", "", *_points(measured["referable_figures"])]
    else:
        out += _points(figures)
    out += ["The thresholds weigh every source alike, and in each source both classes alike. The temperature counts every validation photo "
            f"alike: over all of them the expected calibration error (15 bins) is {figures['calibration_error']:.3f}.", ""]
    out += ["## The engine against Keras", "", parity.sentences(measured["parity"]), ""]
    out += [*_shortcuts(measured), *_warnings(measured), *_unseen(facts.runs)]
    if facts.runs:
        out += ["## Experiments", "", "Validation AUC by source of runs with other settings, beside this one where it is among them:", "",
                compare.table(facts.runs), ""]
    out += ["## Never tested", "", *notes["never_tested"].strip().splitlines(), "",
            "## Licence and use", "", *notes["licence"].strip().splitlines(), ""]
    return "\n".join(out)


def learning_curve(path, history):
    """Loss and the sources' validation AUCs over the epochs, as a PNG."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history])
    left.set(xlabel="epoch", ylabel="training loss")
    for key in history[0]:
        if "auc" in key:
            right.plot(epochs, [row[key] for row in history], label=key.removeprefix("auc_").replace("_", " "),
                       linewidth=2 if key == "mean_auc" else 1)
    right.set(xlabel="epoch", ylabel="validation AUC")
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)
