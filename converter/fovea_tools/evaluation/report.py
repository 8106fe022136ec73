# SPDX-License-Identifier: Apache-2.0
"""Shows an evaluation: JSON, one self-contained page, and a summary in text."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import jinja2

from .problems import Problem

NOTHING = "–"
SUMMARY_NAMES = 3   # photos named on standard output for each problem


def to_json(document: Dict[str, Any]) -> str:
    """The order of keys is that of the document, which is fixed."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def percent(value: Optional[float], digits: int, unit: str = " %") -> str:
    return NOTHING if value is None else f"{100 * value:.{digits}f}{unit}"


def decimal(value: Optional[float], digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def shown_class(name: str) -> str:
    """no_dr as "No DR", as the thesis writes it."""
    words = ["DR" if word.lower() == "dr" else word for word in name.replace("_", " ").split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def rows_of(part: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The figures of each source and of all pooled, those by patient right after those by photo, as rows named by their source."""
    patients = part.get("patients")
    beside = {row["source"]: {**row, "source": f"{row['source']}, by patient"}
              for row in (patients["sources"] + [patients["pooled"]] * bool(patients["pooled"]) if patients else [])}
    rows = part["sources"] + ([part["pooled"]] if part["pooled"] else [])
    return [shown for row in rows for shown in (row, beside.get(row["source"])) if shown]


def _flags(part: Dict[str, Any]) -> List[str]:
    """Every flag below a part's figures, with the source, each once."""

    def below(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from value.get("flags", [])
            for item in value.values():
                yield from below(item)

    return list(dict.fromkeys(f"{row['source']}: {flag}" for row in rows_of(part) for flag in below(row)))


def thesis_tables(parts: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """By source: the rows train, validation and test."""
    tables: Dict[str, List[Dict[str, Any]]] = {}
    for part in parts:
        for row in rows_of(part):
            if row["gradable_only"]:
                tables.setdefault(row["source"], []).append({"part": part["part"], "figures": row["gradable_only"]})
    return [{"source": source, "rows": rows} for source, rows in tables.items()]


def class_names(document: Dict[str, Any]) -> List[str]:
    """What the negative and the positive class are called on the page."""
    classes = document["model"]["classes"]
    return [shown_class(name) for name in classes] if len(classes) == 2 else ["negative", "positive"]


def environment(*loaders: jinja2.BaseLoader) -> jinja2.Environment:
    """Where pages come from: the templates of this package, and those of the loaders given."""
    own = jinja2.PackageLoader("fovea_tools.evaluation", ".")
    found = jinja2.Environment(loader=jinja2.ChoiceLoader([*loaders, own]), autoescape=True, undefined=jinja2.StrictUndefined,
                               trim_blocks=True, lstrip_blocks=True)
    found.filters.update(percent=percent, decimal=decimal, shown=shown_class, flags=_flags, rows=rows_of)
    return found


def to_html(document: Dict[str, Any], plots: Dict[str, Sequence[Tuple[str, str]]], shown: Mapping[str, str] = {}) -> str:
    """plots: part -> [(caption, SVG)]; shown: the data address of wrongly answered photos. Pictures lie in the page itself; it asks no network for anything."""
    pictures = {part: [(caption, "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()) for caption, svg in drawn]
                for part, drawn in plots.items()}
    return environment().get_template("report.html").render(
        d=document, plots=pictures, shown=shown, names=class_names(document), tables=thesis_tables(document["parts"])) + "\n"


def _share(value: Dict[str, Any]) -> str:
    if not value["n"]:
        return NOTHING
    low, high = value["clustered95"]
    return f"{100 * value['value']:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _area(value: Dict[str, Any]) -> str:
    if value["value"] is None:
        return NOTHING
    interval = value["delong95"]
    return f"{value['value']:.3f}" + (f" ({interval[0]:.3f}-{interval[1]:.3f})" if interval else "")


def _table(rows: Sequence[Sequence[str]]) -> List[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def to_text(document: Dict[str, Any]) -> str:
    """A summary of one screen: both ways of counting by source, and what was left out."""
    model = document["model"]
    views = f", {model['views']} views" if model["views"] > 1 else ""
    rows = [["source", "part", "counted", "cases", "positive", "AUC", "sensitivity %", "specificity %", "accuracy %"]]
    for part in document["parts"]:
        for row in rows_of(part):
            for name, key in (("gradable", "gradable_only"), ("all", "intention_to_screen")):
                figures = row[key]
                if not figures:
                    continue
                at = figures["at_threshold"]
                rows.append([row["source"], part["part"], name, str(figures.get("cases", row["cases"])),
                             str(figures.get("positive", row["positive"])), _area(figures["roc_auc"]),
                             *(_share(at[share]) for share in ("sensitivity", "specificity", "accuracy"))])
    lines = [f"{model['name'] or 'unnamed'} ({model['dtype'] or 'dtype unknown'}{views}), {document['decision']['by']}; "
             f"positive: {document['positive_means']}; cases: {document['unit']}s", "", *_table(rows), ""]
    for part in document["parts"]:
        side = "" if part["part"] == "all" else f", {part['part']}"
        for row in rows_of(part):
            lines.append(f"imageability {row['source']}{side}: {_share(row['imageability'])} %")
        for unit, means in (("", part), (" by patient", part["patients"])):
            if means and means["pooled"]:
                lines.append(f"mean of the sources' AUCs{unit}{side}: {decimal(means['mean_of_sources']['roc_auc'], 3)}")
    lines.append("counted all: a photo that cannot be graded counts as called positive. Intervals: 95 %.")
    for problem in document["problems"]:
        lines.append("note: " + Problem(problem["kind"], problem["message"], problem["names"]).line(SUMMARY_NAMES))
    return "\n".join([*lines, document["caveat"]]) + "\n"
