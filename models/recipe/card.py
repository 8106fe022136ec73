# SPDX-License-Identifier: Apache-2.0
"""Writes the model card from the measured figures; nothing in it is typed in by hand twice."""

POINTS = {
    "balanced": "sensitivity and specificity alike",
    "sensitivity_95": "95 % sensitivity",
    "specificity_95": "95 % specificity",
}
TARGETS = {"any_dr": "any diabetic retinopathy (ICDR grade 1 to 4)",
           "referable_dr": "referable diabetic retinopathy (ICDR grade 2 to 4)"}

RIM_LIMIT = 0.7   # AUC of the rim alone from which the card warns
WEAK_LIMIT = 0.8  # lower end of a source's AUC interval below which the card warns


def _interval(value):
    return "–" if value is None else f"{value[0]:.3f} ({value[1]:.3f}–{value[2]:.3f})"


def _side_counts(split_rows):
    """{source: {side: [count, positives]}} for the table of the data."""
    counts = {}
    for source, positive, side in split_rows:
        cell = counts.setdefault(source, {}).setdefault(side, [0, 0])
        cell[0] += 1
        cell[1] += positive
    return counts


def _warnings(figures, probes):
    """What the figures themselves say against the detector."""
    lines = []
    rim = [source for source, value in probes["rim only"].items() if value > RIM_LIMIT]
    if rim:
        lines.append(f"The rim alone tells much on {', '.join(rim)}: part of the figures there may come from the camera, not the eye.")
    weak = [source for source, figure in figures["sources"].items() if figure["auc"] and figure["auc"][1] < WEAK_LIMIT]
    if weak:
        lines.append(f"The detector is weak on {', '.join(weak)}: the interval of the AUC there reaches below {WEAK_LIMIT}.")
    return [*lines, ""] if lines else []


def text(settings, figures, probes, split_rows, history, run_notes):
    """The card as Markdown. split_rows: [(source, positive, side), ...]; run_notes: sentences about this run."""
    net, training, notes = settings["network"], settings["training"], settings["card"]
    counts = _side_counts(split_rows)
    best = max(history, key=lambda row: row["mean_auc"])
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
    out += ["", *notes["data"].strip().splitlines(), "",
            "Originals were split before any augmentation. Photos with the same pixels, nearly the same picture, or the same "
            "patient (where the data set tells) are on the same side. Of identical photos one is used; identical photos "
            "whose labels disagree are left out.", "",
            "## Training", "", *notes["training"].strip().splitlines(), "",
            f"{len(history)} epochs of {training['steps_per_epoch']} batches of {training['batch']}; settings in "
            f"`models/recipe/{settings['name']}.toml`. Every source and both classes within it are drawn in fixed shares. The weights "
            f"are a running average; kept is the epoch with the best mean of the sources' validation AUCs (epoch {int(best['epoch'])}).",
            *run_notes, "", "## Validation figures", "",
            "Measured on the validation photos above, with 95 % intervals (AUC: bootstrap over groups of photos; the rest: "
            "Wilson). **The same photos chose the epoch, the temperature and the thresholds, so these figures are somewhat "
            "too good.** They are no test figures.", "",
            "| source | photos (positive) | AUC |", "|--|--|--|"]
    for source, figure in figures["sources"].items():
        out.append(f"| {source} | {figure['photos']} ({figure['positive']}) | {_interval(figure['auc'])} |")
    out += ["", f"Mean of the AUCs: {figures['mean_auc']:.3f}. Temperature: {figures['temperature']:.4f}.", ""]
    for point, threshold in figures["thresholds"].items():
        out += [f"### `{point}`: {POINTS[point]}, threshold {threshold:.6f}", "",
                "| source | sensitivity | specificity | accuracy | TP / FN / TN / FP |", "|--|--|--|--|--|"]
        for source, figure in figures["sources"].items():
            row = figure["operating_points"][point]
            out.append(f"| {source} | {_interval(row['sensitivity'])} | {_interval(row['specificity'])} | "
                       f"{_interval(row['accuracy'])} | {row['true_positive']} / {row['false_negative']} / "
                       f"{row['true_negative']} / {row['false_positive']} |")
        out.append("")
    out += ["The thresholds weigh every source alike, and in each source both classes alike. The temperature counts every validation photo "
            f"alike: over all of them the expected calibration error (15 bins) is {figures['calibration_error']:.3f}.", "",
            "## Does it look at the eye?", "",
            "Clinics that send ill eyes often use another camera than those that send healthy ones, and a network can learn the "
            "camera. AUC on the same photos with parts blanked; with the rim alone about 0.5 would be ideal:", "",
            "| what is left | " + " | ".join(figures["sources"]) + " |", "|--|" + "--|" * len(figures["sources"])]
    for probe, values in probes.items():
        out.append(f"| {probe} | " + " | ".join(f"{values[s]:.3f}" if s in values else "–" for s in figures["sources"]) + " |")
    out += ["", *_warnings(figures, probes), "## Never tested", "", *notes["never_tested"].strip().splitlines(), "",
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
