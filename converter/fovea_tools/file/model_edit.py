# SPDX-License-Identifier: Apache-2.0
"""Changes what a .fovea file says about its decisions, or at what scale photos are decoded, and leaves everything else as it is, byte
for byte."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Tuple

from .fovea_file import (
    FormatError, Strings, assemble, check_ranges, points_section, preprocessing_section, provenance_section, read_fovea, read_sections,
    read_strings,
)
from .typicality import TypicalityStatistics, typicality_section


def replace_calibration(
    data: bytes, temperature: float, points: Sequence[Tuple[str, float]], default_point: int, provenance: Mapping[str, str],
    any_dr_points: Sequence[Tuple[str, float]] = ()
) -> bytes:
    """The file with this temperature and these operating points (name, threshold). provenance: entries to add or to replace.

    Sections OPPT and PROV are written anew. STRS is only added to, so that the numbers in all other sections stay right.
    """
    strings = Strings(read_strings(read_sections(data)["STRS"]))
    return _replaced(data, strings, "OPPT", points_section(temperature, points, default_point, strings, any_dr_points), provenance)


def replace_typicality(data: bytes, statistics: TypicalityStatistics, provenance: Mapping[str, str]) -> bytes:
    """The file with these typicality statistics; PROV and STRS as in replace_calibration."""
    strings = Strings(read_strings(read_sections(data)["STRS"]))
    return _replaced(data, strings, "TYPI", typicality_section(statistics), provenance)


def replace_scaled_decoding(data: bytes, times: int) -> bytes:
    """The file with this number in its section PREP (models/FORMAT.md); 0: photos are decoded at full size."""
    model = read_fovea(data)
    model.preprocessing.scaled_decoding = times
    check_ranges(model)
    sections = read_sections(data)
    sections["PREP"] = preprocessing_section(model.preprocessing)
    return assemble(list(sections.items()))


def _replaced(data: bytes, strings: Strings, tag: str, content: bytes, provenance: Mapping[str, str]) -> bytes:
    """A section that the file has is replaced in its place; a new one goes behind LABL, a large one to the end."""
    sections = read_sections(data)
    entries: Dict[str, str] = {**dict(read_fovea(data).provenance), **provenance}
    replaced = {tag: content, "PROV": provenance_section(list(entries.items()), strings)}
    replaced["STRS"] = strings.section()
    order: List[Tuple[str, bytes]] = [(name, replaced.get(name, old)) for name, old in sections.items()]
    if tag not in sections:
        names = [name for name, _ in order]
        order.insert(names.index("LABL") + 1 if tag == "OPPT" else len(order), (tag, content))
    changed = assemble(order)
    check_only_decisions_changed(data, changed)
    return changed


def check_only_decisions_changed(before: bytes, after: bytes) -> None:
    """Reads both files and compares what must not have changed."""
    old, new = read_sections(before), read_sections(after)
    for tag, content in old.items():
        if tag not in ("STRS", "OPPT", "TYPI", "PROV") and new.get(tag) != content:
            raise FormatError(f"section {tag} would have changed")
    one, other = read_fovea(before), read_fovea(after)
    if (one.names, one.labels) != (other.names, other.labels):
        raise FormatError("names or labels would have changed")
