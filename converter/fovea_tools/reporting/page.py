# SPDX-License-Identifier: Apache-2.0
"""Shows a screening as one self-contained page, by the means of fovea-evaluate's pages."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Dict

import jinja2
import markupsafe

from ..evaluation.report import environment


def _source(templates: jinja2.Environment, name: str) -> markupsafe.Markup:
    """A file of this package as it is, but for the line that says its licence."""
    return markupsafe.Markup(templates.loader.get_source(templates, name)[0].partition("\n")[2])  # type: ignore[union-attr]


def to_html(document: Dict[str, Any]) -> str:
    """The page runs the one script that it holds, by its checksum, and asks no network for anything."""
    templates = environment(jinja2.PackageLoader("fovea_tools.reporting", "."))
    script = _source(templates, "screening.js")
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return templates.get_template("screening.html").render(
        d=document, style=_source(templates, "screening.css"), script=script, script_policy=f"; script-src 'sha256-{checksum}'") + "\n"
