# SPDX-License-Identifier: Apache-2.0
"""fovea-inspect: prints what a .fovea file holds, from the file alone."""

from __future__ import annotations

import argparse
import sys
from typing import Dict, List, Optional, Sequence

from . import __version__
from .activations import FILE_ACTIVATIONS
from .fovea_file import (
    NODE_KINDS, NONE, PRESETS, RESIZES, TARGETS, FileNode, FormatError, FoveaModel, read_fovea,
)

VARIANTS = {"pool": ("average", "max", "average with padding"), "global_pool": ("mean", "max"), "channel_reduce": ("mean", "max")}


def describe_node(node: FileNode) -> str:
    kind = NODE_KINDS[node.kind]
    parts = [kind]
    if node.kernel != (0, 0):
        parts[0] += f" {node.kernel[0]}x{node.kernel[1]}/{node.strides[0]}"
    if kind in VARIANTS:
        parts.append(VARIANTS[kind][node.variant])
    if node.out_channels:
        parts.append(f"{node.out_channels} channels")
    if node.groups > 1:
        parts.append(f"{node.groups} groups")
    if node.padding_mode:
        parts.append("padding same")
    elif any(node.padding):
        parts.append("padding {},{},{},{}".format(*node.padding))
    if node.activation:
        parts.append(FILE_ACTIVATIONS[node.activation] + (f"({node.parameter:g})" if node.parameter else ""))
    return ", ".join(parts)


def describe(model: FoveaModel) -> List[str]:
    """The lines to print."""
    height, width, channels = model.input_size
    size = f"{height}x{width}" if height and width else f"any size, {model.default_size[0]}x{model.default_size[1]} by default"
    p = model.preprocessing
    lines = [f"{key}: {value}" for key, value in model.provenance]
    lines += [
        f"input: {size}, {channels} channels",
        f"classes: {', '.join(model.labels)}; target {TARGETS[model.target]}; temperature {model.temperature:g}",
        f"preset: {PRESETS[p.preset]}, sigma {p.sigma:g}, tolerance {p.tolerance}, flags {p.flags}, {RESIZES[p.resize]}",
    ]
    lines += [f"operating point: {name} at {threshold:g}" for name, threshold in model.operating_points]
    if model.golden is not None:
        lines.append(f"golden vectors: {len(model.golden.logits)}, tolerance {model.golden.tolerance:g}")
    lines.append(f"weights: {len(model.tensors)} tensors, {sum(len(tensor.data) for tensor in model.tensors)} bytes")
    names: Dict[int, List[str]] = {}
    for name, index in model.names:
        names.setdefault(index, []).append(name)
    for index, node in enumerate(model.nodes):
        operands = " ".join(str(value) for value in node.operands)
        marks = " <- logits" * (index + 1 == model.logits) + " <- probabilities" * (index + 1 == model.probabilities)
        shared = f" [{node.weights}]" if node.weights != NONE else ""
        lines.append(f"{index + 1:4} ({operands}) {describe_node(node)}{shared}  {', '.join(names.get(index, []))}{marks}")
    return lines


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="fovea-inspect", description="Prints what a .fovea model file holds.")
    parser.add_argument("model")
    parser.add_argument("--version", action="version", version=f"fovea-inspect {__version__}")
    arguments = parser.parse_args(argv)
    try:
        with open(arguments.model, "rb") as file:
            lines = describe(read_fovea(file.read()))
    except (OSError, FormatError, IndexError) as error:
        print(f"fovea-inspect: {arguments.model}: {error}", file=sys.stderr)
        return 4
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
