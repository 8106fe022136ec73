# SPDX-License-Identifier: Apache-2.0
"""What is known of a detector besides its answers: what its file says of its origin, and what its card says it was never tested on."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from typing import Dict, List, Tuple

from ..file import fovea_file
from ..file.input_file import read_file
from ..terminal import printable
from . import ReportError

SHOWN = {"training_data": "trained on", "intended_use": "intended use", "licence": "licence"}     # of the file's provenance, as the page names it
NEVER_TESTED = "never_tested"   # the provenance that would say it in the file itself
HEADING = re.compile(r"#+\s+never tested\s*#*", re.IGNORECASE)
LARGEST_CARD = 1 << 20


@dataclasses.dataclass(frozen=True)
class Background:
    facts: Tuple[Tuple[str, str], ...] = ()     # (what, text)
    never_tested: Tuple[str, ...] = ()          # nothing: not known


def _card_section(text: str) -> List[str]:
    """The items, or paragraphs, of the card's section "Never tested"."""
    items: List[str] = []
    inside = is_new = False
    for line in text.splitlines():
        if line.startswith("#"):
            inside = bool(HEADING.fullmatch(line.strip()))
            continue
        stripped = line.strip()
        if not inside:
            continue
        if stripped.startswith(("- ", "* ")) or not stripped or is_new or not items:
            is_new = not stripped
            if stripped:
                items.append(re.sub(r"^[-*]\s+", "", stripped))
        else:
            items[-1] += " " + stripped
    return [printable(re.sub(r"[`*]", "", item)) for item in items]


def _card(model: pathlib.Path) -> List[str]:
    """What the card beside the model file says: detector.md beside detector.fovea."""
    card = model.with_suffix(".md")
    try:
        if not card.is_file():
            return []
        with open(card, "rb") as file:
            return _card_section(file.read(LARGEST_CARD).decode("utf-8", "replace"))
    except OSError:
        return []


def read(path: pathlib.Path) -> Background:
    """Of the model file that gave the results."""
    try:
        provenance: Dict[str, str] = fovea_file.read_provenance(read_file(path))
    except fovea_file.FormatError as error:
        raise ReportError(f"{path}: {error}") from error
    told = provenance.get(NEVER_TESTED, "")
    return Background(tuple((what, printable(provenance[key])) for key, what in SHOWN.items() if provenance.get(key)),
                      (printable(told),) if told else tuple(_card(path)))
