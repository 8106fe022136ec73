# SPDX-License-Identifier: Apache-2.0
"""Makes nodes fewer without changing the function: all arithmetic in double precision."""

from __future__ import annotations

from typing import List

import numpy as np

from ..builder.graph import FOLDABLE_KINDS, FUSABLE_KINDS, Graph, Node


def absorb(graph: Graph, node: Node, before: Node, readers: List[Node]) -> None:
    """before now computes what node did; it takes over the names, its own value is gone."""
    before.names = node.names
    before.layer = node.layer
    before.inner = before.inner and node.inner
    graph.replace(node, before, readers)


def fold_affine(graph: Graph) -> None:
    """Folds an affine node (batch normalisation, rescaling) into the layer before it, where only it reads that layer."""
    readers = graph.consumers()
    for node in graph.nodes:
        if node.kind != "affine":
            continue
        before = node.inputs[0]
        if before.activation != "none" or len(readers[id(before)]) != 1:
            continue
        if before.kind == "affine":
            before.bias = before.bias * node.weights + node.bias
            before.weights = before.weights * node.weights
        elif before.kind in FOLDABLE_KINDS:
            # The output channel is the last axis of all three layouts.
            before.weights = before.weights * node.weights
            bias = np.zeros_like(node.bias) if before.bias is None else before.bias
            before.bias = bias * node.weights + node.bias
        else:
            continue
        before.activation, before.parameter = node.activation, node.parameter
        readers[id(before)] = readers[id(node)]
        absorb(graph, node, before, readers[id(node)])
    graph.remove_unused()


def fuse_activations(graph: Graph, inner_only: bool) -> None:
    """Lets the node before an activation apply it. inner_only: just where both belong to one source layer."""
    readers = graph.consumers()
    outputs = (graph.logits, graph.probabilities)
    for node in graph.nodes:
        if node.kind != "activation" or node in outputs or (inner_only and not node.inner):
            continue
        before = node.inputs[0]
        if before.kind not in FUSABLE_KINDS or before.activation != "none" or len(readers[id(before)]) != 1:
            continue
        before.activation, before.parameter = node.activation, node.parameter
        readers[id(before)] = readers[id(node)]
        absorb(graph, node, before, readers[id(node)])
    graph.remove_unused()


def fold_padding(graph: Graph) -> None:
    """Adds a padding node's numbers to those of the convolution that alone reads it."""
    readers = graph.consumers()
    for node in graph.nodes:
        if node.kind not in ("convolution", "depthwise") or node.same:
            continue
        before = node.inputs[0]
        total = tuple(a + b for a, b in zip(node.padding, before.padding))
        if before.kind == "pad" and len(readers[id(before)]) == 1 and max(total) <= 65_535:
            node.padding = total  # type: ignore[assignment]
            node.inputs = [before.inputs[0]]
    graph.remove_unused()
