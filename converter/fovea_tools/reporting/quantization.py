# SPDX-License-Identifier: Apache-2.0
"""The report of a quantisation as one self-contained page."""

from __future__ import annotations

from typing import Any, Collection, Dict

from ..errors import UsageError

FULL_BAR = 80.0  # decibel


def templates():
    """Where the page comes from; raises UsageError where there is no jinja2."""
    try:
        import jinja2
        from ..evaluation.report import environment
    except ImportError as error:
        raise UsageError(f"--page needs jinja2 (pip install 'fovea-tools[evaluation]'): {error}") from error
    return environment(jinja2.PackageLoader("fovea_tools.reporting", "."))


def to_html(report: Dict[str, Any], worst: Collection[str]) -> str:
    """worst: names of the layers to point out."""
    highest = max((layer["sqnr_db"] for layer in report["layers"]), default=1.0)
    return templates().get_template("quantization.html").render(r=report, names=[], worst=worst, full=max(min(highest, FULL_BAR), 1.0)) + "\n"
