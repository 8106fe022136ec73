# SPDX-License-Identifier: Apache-2.0
"""What the network's outputs are: their form, and whether classes, target and operating points fit them."""

from __future__ import annotations

import re
from typing import List, Optional, Tuple

from ..builder.graph import Graph
from ..errors import ConversionError, UsageError
from ..file import fovea_file
from ..sources.source import Network
from .options import Options


def output_form(network: Network, options: Options) -> int:
    """How the outputs become probabilities."""
    graph = network.graph
    end, count = graph.probabilities, graph.probabilities.shape[2]
    if end.kind == "softmax" and end is not graph.logits:
        if options.output_activation not in (None, "softmax"):
            raise UsageError(f"--output-activation {options.output_activation}: the network ends in a softmax already")
        return fovea_file.OUTPUT_SOFTMAX
    if end is not graph.logits:
        if options.output_activation not in (None, "sigmoid"):
            raise UsageError(f"--output-activation {options.output_activation}: the network ends in a sigmoid already")
        return fovea_file.OUTPUT_ONE_SIGMOID if count == 1 else fovea_file.OUTPUT_SIGMOIDS
    if end.activation != "none":
        raise ConversionError(f"layer {end.layer!r}: the network ends in {end.activation}; softmax, sigmoid or a linear end is converted")
    if network.regression_loss is not None:
        raise ConversionError(
            f"layer {end.layer!r}: the network ends without softmax or sigmoid and was trained with {network.regression_loss}: a regression, whose "
            "output is a number and no probability; only classifiers are converted"
        )
    chosen = options.output_activation or network.output_activation
    if chosen is None:
        raise UsageError(
            f"layer {end.layer!r}: the network ends without softmax or sigmoid and the file does not say (from_logits) which was "
            f"meant; give --output-activation {'sigmoid' if count == 1 else 'softmax or sigmoid'} if its loss had from_logits=True. A "
            "regression (a grade as a number) gives no probability and is not converted"
        )
    if chosen == "softmax" and count == 1:
        raise UsageError(f"--output-activation softmax: layer {end.layer!r} has one output, whose softmax is 1 for every photo")
    if chosen == "softmax":
        return fovea_file.OUTPUT_SOFTMAX
    return fovea_file.OUTPUT_ONE_SIGMOID if count == 1 else fovea_file.OUTPUT_SIGMOIDS


def check_labels(graph: Graph, form: int, options: Options) -> str:
    """The target; refuses labels that do not fit the outputs."""
    labels, outputs = options.labels, graph.logits.shape[2]
    classes = 2 if form == fovea_file.OUTPUT_ONE_SIGMOID else outputs
    if len(labels) != classes:
        one = " (one output is the probability of the second of two classes)" if form == fovea_file.OUTPUT_ONE_SIGMOID else ""
        raise UsageError(f"--labels names {len(labels)} classes, the network has {classes}{one}")
    if classes > 1000:
        raise ConversionError(f"the network has {classes} classes; at most 1000 are converted")
    target = options.target
    if target in ("any_dr", "referable_dr") and classes < 2:
        raise UsageError(f"--target {target} needs two classes or more, the network has {classes}")
    if target == "grade5" and classes != 5:
        raise UsageError(f"--target grade5 needs five classes, the network has {classes}")
    if target in ("any_dr", "referable_dr"):
        negative = re.compile(r"(no|non|not|without|healthy|normal|negative)(?![a-z])", re.IGNORECASE)
        if any(negative.match(label) for label in labels[1:]) and not negative.match(labels[0]):
            raise UsageError(
                f"--labels {','.join(labels)}: for --target {target} the first class must be the negative one. If the network really was "
                "trained with this order (folder names are sorted), retrain with the order fixed or use --target other"
            )
    return target


def operating_points(options: Options) -> Tuple[List[Tuple[str, float]], Optional[int]]:
    points = list(options.operating_points)
    names = [name for name, _ in points]
    if len(set(names)) != len(names) or len(points) + len(options.any_dr_points) > 16:
        raise UsageError("--operating-point: at most 16, with different names")
    unknown = [name for name, _ in options.any_dr_points if name not in names]
    if unknown or len(dict(options.any_dr_points)) < len(options.any_dr_points):
        raise UsageError("--any-dr-operating-point: each name once, and that of an --operating-point, which it goes with")
    if options.any_dr_points and options.target != "grade5":
        raise UsageError("--any-dr-operating-point: for --target grade5 alone, whose other points are about referable DR")
    if options.default_point is not None and options.default_point not in names:
        raise UsageError(f"--default-operating-point {options.default_point}: no --operating-point of that name")
    if not points and options.temperature != 1.0:
        points = [("balanced", 0.5)]
        names = ["balanced"]
    if not points:
        return [], None
    return points, names.index(options.default_point) if options.default_point else 0
