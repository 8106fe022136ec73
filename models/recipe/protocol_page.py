# SPDX-License-Identifier: Apache-2.0
"""Shows the protocols side by side: the thesis's tables of each, what they mean, and JSON with every figure."""
import pathlib

import jinja2
import numpy as np
from fovea_tools import calibration
from fovea_tools.evaluation import evaluate, figures, report
from fovea_tools.evaluation.cases import Case
from fovea_tools.evaluation.predictions import Prediction, Setting

FORMAT = "fovea-recipe-protocols 1"
EXAMPLES = 10   # wrong answers shown for each protocol
TARGET = {"any_dr": "any", "referable_dr": "referable"}


def _cases(part, side, logits, setting):
    """One case a picture; pictures of a photo or patient form a group, so that the intervals do not take them as independent."""
    photos, angles = side.get("photo", np.arange(len(logits))), side.get("angles", np.zeros(len(logits)))
    for row, probabilities in enumerate(calibration.softmax(logits)):
        name, source = side["names"][photos[row]], str(side["sources"][row])
        file = f"{source}/{name}" + (f", turned by {np.degrees(angles[row]):.1f}°" if angles[row] else "")
        prediction = Prediction("", file, "ok", setting, probabilities=tuple(probabilities.tolist()), logits=tuple(logits[row].tolist()))
        yield Case(name, source, part, name, str(side["groups"][row]), bool(side["positive"][row]), int(side["grades"][row]), True,
                   prediction)


def protocol_figures(settings, parts, measured, epochs):
    """What is told of one protocol. measured: of protocol.measure."""
    setting = Setting(settings["name"], "", "fp32", settings["preset"]["name"], settings["target"], tuple(settings["labels"]), 1.0, "",
                      None)
    rule = figures.make_rule(setting, TARGET[settings["target"]], None)
    cases = [case for part, (side, logits) in measured.items() for case in _cases(part, side, logits, setting)]
    tested = [case for case in cases if case.part == "test"]
    return {"epochs": epochs, "dropped": parts.dropped, "leaked": parts.leaked(),
            "pictures": {part: len(logits) for part, (_, logits) in measured.items()},
            "photos": {part: len(np.unique(side["photo"])) if "photo" in side else len(logits)
                       for part, (side, logits) in measured.items()},
            "parts": evaluate.part_figures(cases, rule), "mistakes": evaluate.mistakes(tested, rule, EXAMPLES)}


def document(settings, found):
    """Everything, with the order of keys fixed. found: {protocol: protocol_figures}."""
    return {"format": FORMAT, "title": f"{settings['name']}: the thesis's protocol and an honest one", "caveat": evaluate.CAVEAT,
            "architecture": settings["network"]["architecture"], "size": settings["network"]["size"],
            "rotations": settings["augment"]["rotations"], "classes": settings["labels"], "protocols": found}


def write(folder, settings, found):
    """protocols.json and protocols.html; the page's path."""
    value = document(settings, found)
    folder = pathlib.Path(folder)
    (folder / "protocols.json").write_text(report.to_json(value), encoding="utf-8")
    templates = report.environment(jinja2.FileSystemLoader(pathlib.Path(__file__).parent))
    page = templates.get_template("protocols.html").render(
        d=value, names=[report.shown_class(name) for name in settings["labels"]], grade_names=figures.GRADE_NAMES,
        tables={name: report.thesis_tables(one["parts"]) for name, one in found.items()})
    (folder / "protocols.html").write_text(page + "\n", encoding="utf-8")
    return folder / "protocols.html"
