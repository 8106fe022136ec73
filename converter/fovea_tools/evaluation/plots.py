# SPDX-License-Identifier: Apache-2.0
"""The plots of an evaluation as SVG text: same figures, same bytes."""

from __future__ import annotations

import dataclasses
import io
from typing import Any, Dict, List, Optional, Sequence, Tuple

import matplotlib
import numpy as np
import sklearn.calibration
import sklearn.metrics
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .cases import Case
from .figures import Rule

# Told apart without colour vision (Okabe and Ito 2008), and by line style in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", ":")
NEGATIVE, POSITIVE = COLOURS[0], COLOURS[1]
RELIABILITY_BINS = 10
STYLE = {"svg.hashsalt": "fovea", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
         "axes.axisbelow": True, "grid.color": "#dddddd", "legend.frameon": False, "path.simplify": True}


@dataclasses.dataclass(frozen=True)
class Curve:
    """The gradable cases of one source: what the plots draw."""

    name: str
    score: np.ndarray
    positive: np.ndarray        # bool
    called: np.ndarray          # bool, at the threshold

    @property
    def two_classes(self) -> bool:
        return bool(self.positive.any() and not self.positive.all())


def _svg(figure: Figure) -> str:
    """The <svg> element alone: no date, no reference to a document type on the network."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()[text.getvalue().index("<svg"):]


def _axes(width: float = 4.4, height: float = 4.0, columns: int = 1) -> Tuple[Figure, List[Axes]]:
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")


def _look(index: int) -> dict:
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": STYLES[index % len(STYLES)]}


def roc(curves: Sequence[Curve]) -> Optional[str]:
    """ROC curves with the point at the threshold in use."""
    drawn = [curve for curve in curves if curve.two_classes]
    if not drawn:
        return None
    figure, (axes,) = _axes()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
    for index, curve in enumerate(drawn):
        x, y, _ = sklearn.metrics.roc_curve(curve.positive, curve.score)
        axes.plot(x, y, label=f"{curve.name}, AUC {sklearn.metrics.roc_auc_score(curve.positive, curve.score):.3f}", **_look(index))
        axes.plot(curve.called[~curve.positive].mean(), curve.called[curve.positive].mean(), "o", color=COLOURS[index % len(COLOURS)])
    _unit_square(axes, "1 − specificity", "sensitivity")
    axes.legend(loc="lower right")
    return _svg(figure)


def precision_recall(curves: Sequence[Curve]) -> Optional[str]:
    """Precision-recall curves; the fine line is the share of positive cases, what guessing gives."""
    drawn = [curve for curve in curves if curve.two_classes]
    if not drawn:
        return None
    figure, (axes,) = _axes()
    for index, curve in enumerate(drawn):
        precision, recall, _ = sklearn.metrics.precision_recall_curve(curve.positive, curve.score)
        # The sum over steps that average precision is.
        axes.step(recall, precision, where="post", **_look(index),
                  label=f"{curve.name}, AP {sklearn.metrics.average_precision_score(curve.positive, curve.score):.3f}")
        axes.axhline(curve.positive.mean(), color=COLOURS[index % len(COLOURS)], linewidth=0.6, linestyle=":")
    _unit_square(axes, "recall (sensitivity)", "precision (PPV)")
    axes.legend(loc="lower left")
    return _svg(figure)


def reliability(curves: Sequence[Curve]) -> Optional[str]:
    """Observed share of positive cases against the mean score, in tenths of the score."""
    drawn = [curve for curve in curves if len(curve.score)]
    if not drawn:
        return None
    figure, (axes,) = _axes()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
    for index, curve in enumerate(drawn):
        share, mean = sklearn.calibration.calibration_curve(curve.positive, curve.score, n_bins=RELIABILITY_BINS)
        axes.plot(mean, share, marker="o", markersize=3, label=curve.name, **_look(index))
    _unit_square(axes, "score", "share of positive cases")
    axes.legend(loc="upper left")
    return _svg(figure)


def scores(curves: Sequence[Curve], threshold: Optional[float]) -> Optional[str]:
    """How the scores of both classes lie, source by source, and where the threshold cuts."""
    drawn = [curve for curve in curves if len(curve.score)]
    if not drawn:
        return None
    figure, places = _axes(width=3.2, height=2.8, columns=len(drawn))
    for axes, curve in zip(places, drawn):
        axes.hist([curve.score[~curve.positive], curve.score[curve.positive]], bins=np.linspace(0, 1, 21), stacked=True,
                  color=[NEGATIVE, POSITIVE], label=["label negative", "label positive"])
        if threshold is not None:
            axes.axvline(threshold, color="black", linewidth=1, linestyle="--")
        axes.set(xlabel="score", title=curve.name, xlim=(0, 1))
    places[0].set_ylabel("cases")
    places[0].legend(fontsize=7, loc="upper center")  # the search for the best place takes long on a busy machine, and warns
    return _svg(figure)


def curves(cases: Sequence[Case], part: Dict[str, Any], rule: Rule) -> List[Curve]:
    """What the plots of one part draw: each source, and all pooled where there are several."""
    here = [case for case in cases if (case.part or "all") == part["part"] and case.gradable]

    def curve(name: str, members: Sequence[Case]) -> Curve:
        return Curve(name, np.array([rule.score(case.prediction) for case in members]),
                           np.array([case.positive for case in members], bool),
                           np.array([rule.calls(case.prediction) for case in members], bool))

    drawn = [curve(row["source"], [case for case in here if case.source == row["source"]]) for row in part["sources"]]
    return drawn + ([curve("pooled", here)] if part["pooled"] else [])


def draw(curves: Sequence[Curve], threshold: Optional[float]) -> List[Tuple[str, str]]:
    """[(caption, SVG)] of one side of the split."""
    mark = "" if threshold is None else f"; dashed: threshold {threshold:.4f}"
    sources = [curve for curve in curves if curve.name != "pooled"] or list(curves)
    with matplotlib.rc_context(STYLE):
        drawn: List[Tuple[str, Any]] = [
            ("ROC curves; the dot is the decision in use", roc(curves)),
            ("Precision and recall; dotted: the share of positive cases", precision_recall(curves)),
            ("Calibration: observed share against score; on the diagonal a score means what it says", reliability(curves)),
            (f"Scores by label{mark}", scores(sources, threshold)),
        ]
    return [(caption, svg) for caption, svg in drawn if svg]
