# SPDX-License-Identifier: Apache-2.0
"""From layer calls to the operations of the model file, with shapes worked out and weights loaded."""

from __future__ import annotations

from typing import Callable, Dict, List, Set, Tuple

from ...builder.builder import Value
from ...builder.graph import Graph, Node
from ...errors import ConversionError
from . import layers, operations
from .lowering import Lowering
from .reader import KerasFile
from .topology import Call, Network


def lower(file: KerasFile, network: Network, keep_layers: bool) -> Graph:
    """The graph of the network, unoptimised, its names set; outputs are marked."""
    handlers: List[Tuple[Call, Callable[[Lowering], Value]]] = []
    for call in network.calls:
        table = operations if call.layer.is_operation(file.major) else layers
        handlers.append((call, table.handler(call.layer)))
    state = Lowering(file, network, keep_layers)
    labels: List[Tuple[str, List[str], Node]] = []
    for call, handle in handlers:
        state.begin(call)
        value = handle(state)
        state.check_all_read()
        state.values[call.output.index] = value
        labels.append((numbered(call.layer.name, call.number, call.layer.calls), call.layer.place.containers, value.node))
    calls: Dict[Tuple[str, ...], int] = {}
    for place, number, tensor in network.models:
        key = (*place.containers, place.name)
        calls[key] = max(calls.get(key, 0), number + 1)
    for place, number, tensor in network.models:
        key = (*place.containers, place.name)
        labels.append((numbered(place.name, number, calls[key]), place.containers, state.values[tensor.index].node))
    graph = state.build.graph
    set_names(labels, graph)
    mark_outputs(graph, state.values[network.output.index].node)
    return graph


def numbered(name: str, number: int, count: int) -> str:
    return f"{name} #{number}" if count > 1 else name


def set_names(labels: List[Tuple[str, List[str], Node]], graph: Graph) -> None:
    """Gives each layer's name to its node. Of equal names the outermost model's stays, others get their model's in front."""
    taken: Set[str] = set()
    suffixes: Dict[str, int] = {}
    for depth in sorted({len(containers) for _, containers, _ in labels}):
        for label, containers, node in labels:
            if len(containers) != depth or node is graph.input:
                continue
            name = label
            if name in taken:
                name = "/".join([*containers, label])
            while name in taken:
                suffixes[label] = suffixes.get(label, 1) + 1
                name = f"{label} ({suffixes[label]})"
            taken.add(name)
            node.names.append(name)


def mark_outputs(graph: Graph, node: Node) -> None:
    """Finds the logits before the final softmax or sigmoid."""
    if node is graph.input:
        raise ConversionError("the model has no layer that computes anything")
    if node.shape[0] != 1 or node.shape[1] != 1 or node.shape[2] is None:
        raise ConversionError(f"layer {node.layer!r}: the model ends in a map; a vector with one value a class is needed")
    if node.kind == "softmax" or (node.kind == "activation" and node.activation == "sigmoid"):
        graph.logits = node.inputs[0]
    else:
        graph.logits = node
    graph.probabilities = node
