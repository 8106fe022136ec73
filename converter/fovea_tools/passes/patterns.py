# SPDX-License-Identifier: Apache-2.0
"""Finds activations that Keras spells out as several layers, by the shape of the graph alone."""

from __future__ import annotations

from typing import Optional, Tuple

from ..builder.graph import Graph, Node, is_affine


def is_activation(node: Node, name: str) -> bool:
    return node.kind == "activation" and node.activation == name


def shifted_relu6(node: Node) -> Optional[Node]:
    """x where node is relu6(x + 3)."""
    if is_activation(node, "relu6") and is_affine(node.inputs[0], 1.0, 3.0):
        return node.inputs[0].inputs[0]
    return None


def product(node: Node) -> Tuple[Tuple[Node, Node], ...]:
    """The factors of a multiplication, in both orders; nothing for other nodes."""
    if node.kind != "multiply" or node.activation != "none":
        return ()
    left, right = node.inputs
    return (left, right), (right, left)


def activation_of(node: Node) -> Optional[Tuple[str, Node]]:
    """(name, x) where node computes that activation of x out of simpler nodes."""
    sixth = 1.0 / 6.0
    if is_affine(node, sixth, 0.0):
        inner = node.inputs[0]
        x = shifted_relu6(inner)
        if x is not None:
            return "hard_sigmoid", x
        for x, gate in product(inner):
            if shifted_relu6(gate) is x:
                return "hard_swish", x
    for x, gate in product(node):
        if is_activation(gate, "hard_sigmoid") and gate.inputs[0] is x:
            return "hard_swish", x
        if is_activation(gate, "sigmoid") and gate.inputs[0] is x:
            return "swish", x
        if is_affine(x, sixth, 0.0) and shifted_relu6(gate) is x.inputs[0]:
            return "hard_swish", x.inputs[0]
    return None


def recognise_activations(graph: Graph) -> None:
    """Turns the last node of each pattern into the activation; what nobody else reads goes away."""
    for node in graph.nodes:
        found = activation_of(node)
        if found is not None:
            name, x = found
            node.kind, node.inputs, node.shape = "activation", [x], x.shape
            node.activation, node.parameter = name, 0.0
            node.weights = node.bias = None
    graph.remove_unused()
