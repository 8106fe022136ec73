# SPDX-License-Identifier: Apache-2.0
"""Changes what a .fovea file says about its decisions and leaves everything else as it is, byte for byte."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Tuple

from .fovea_file import (
    FormatError, Strings, assemble, points_section, provenance_section, read_fovea, read_sections, read_strings,
)


def replace_calibration(
    data: bytes, temperature: float, points: Sequence[Tuple[str, float]], default_point: int, provenance: Mapping[str, str]
) -> bytes:
    """The file with this temperature and these operating points (name, threshold). provenance: entries to add or to replace.

    Sections OPPT and PROV are written anew. STRS is only added to, so that the numbers in all other sections stay right.
    """
    model = read_fovea(data)
    sections = read_sections(data)
    strings = Strings(read_strings(sections["STRS"]))
    entries: Dict[str, str] = {**dict(model.provenance), **provenance}
    replaced = {
        "OPPT": points_section(temperature, points, default_point, strings),
        "PROV": provenance_section(list(entries.items()), strings),
    }
    replaced["STRS"] = strings.section()
    order: List[Tuple[str, bytes]] = []
    for tag, content in sections.items():
        order.append((tag, replaced.get(tag, content)))
        if tag == "LABL" and "OPPT" not in sections:
            order.append(("OPPT", replaced["OPPT"]))
    changed = assemble(order)
    check_only_decisions_changed(data, changed)
    return changed


def check_only_decisions_changed(before: bytes, after: bytes) -> None:
    """Reads both files and compares what must not have changed."""
    old, new = read_sections(before), read_sections(after)
    for tag, content in old.items():
        if tag not in ("STRS", "OPPT", "PROV") and new.get(tag) != content:
            raise FormatError(f"section {tag} would have changed")
    one, other = read_fovea(before), read_fovea(after)
    if (one.names, one.labels) != (other.names, other.labels):
        raise FormatError("names or labels would have changed")
