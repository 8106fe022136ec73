# SPDX-License-Identifier: Apache-2.0
"""The report of a quantisation as text."""

from __future__ import annotations

from typing import Any, Dict, List

from ..terminal import printable

WORST = 5


def worst_layers(report: Dict[str, Any]) -> List[Dict[str, Any]]:
    return sorted(report["layers"], key=lambda layer: layer["sqnr_db"])[:WORST]


def to_text(report: Dict[str, Any]) -> str:
    lines = [f"{'layer':40} bits  SQNR"]
    lines += [f"{printable(layer['layer']):40} {layer['bits']:4}  {layer['sqnr_db']:.1f} dB" for layer in report["layers"]]
    lines += [f"worst: {', '.join(printable(layer['layer']) for layer in worst_layers(report))}"]
    for number, step in enumerate(report.get("widening", [])):
        more = f"; then 16 bits for {', '.join(map(printable, step['then_16_bits']))}" if step["then_16_bits"] else ""
        lines += [f"round {number + 1}: rms error of the margin {step['margin_rms_error']:.4f}{more}"]
    lines += [f"on {report['pictures']} photos that were not used: rms error of the margin {report['margin_rms_error']:.4f} (it spreads over "
              f"{report['margin_spread']:.2f}), largest {report['largest_margin_error']:.3f}; {report['labels_that_differ']} labels differ "
              f"({report['labels_expected_to_differ']:.1f} expected of that error)"]
    return "\n".join(lines)
