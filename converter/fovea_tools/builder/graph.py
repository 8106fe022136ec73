# SPDX-License-Identifier: Apache-2.0
"""The network between reading and writing: nodes as in models/FORMAT.md, weights as double arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

# Height, width, channels; None where it depends on the input size. A vector of n is (1, 1, n).
Shape = Tuple[Optional[int], Optional[int], Optional[int]]

# Node kinds that store their own weights in multiply-add form, so that y * scale + offset folds in.
FOLDABLE_KINDS = ("convolution", "depthwise", "dense")
# Node kinds that take over an activation that follows.
FUSABLE_KINDS = FOLDABLE_KINDS + ("add", "multiply", "affine")


@dataclass(eq=False)
class Node:
    """One operation. Fields that a kind does not use keep their defaults.

    weights: convolution [kh][kw][in / groups][out], depthwise [kh][kw][channels], dense
    [1][1][in][out], affine: the scale [channels]. bias: [out], affine: the offset [channels].
    padding: top, left, bottom, right; ignored when same is set.
    """

    kind: str
    inputs: List["Node"]
    shape: Shape
    layer: str  # the source layer, for messages
    activation: str = "none"
    parameter: float = 0.0
    weights: Optional[np.ndarray] = None
    bias: Optional[np.ndarray] = None
    kernel: Tuple[int, int] = (0, 0)
    strides: Tuple[int, int] = (0, 0)
    dilation: Tuple[int, int] = (0, 0)
    same: bool = False
    padding: Tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 0
    out_channels: int = 0
    variant: int = 0
    names: List[str] = field(default_factory=list)
    # Of a layer that only picks channels of its input: their numbers.
    selected: Optional[Tuple[int, ...]] = None
    # Part of the source layer whose last node bears its name, e.g. a layer's own activation.
    inner: bool = False
    # Of an affine node whose numbers are statistics that the training framework measured on the training pictures.
    measured: bool = False


class Graph:
    """Nodes in an order in which they can run; node 0 is the input."""

    def __init__(self, input_shape: Shape) -> None:
        self.input = Node("input", [], input_shape, "the input")
        self.nodes: List[Node] = [self.input]
        self.logits: Node = self.input
        self.probabilities: Node = self.input

    def consumers(self) -> Dict[int, List[Node]]:
        """id(node) -> the nodes that read it, once for each operand; the outputs count as readers."""
        readers: Dict[int, List[Node]] = {id(node): [] for node in self.nodes}
        for node in self.nodes:
            for operand in node.inputs:
                readers[id(operand)].append(node)
        readers[id(self.logits)].append(self.logits)
        if self.probabilities is not self.logits:
            readers[id(self.probabilities)].append(self.probabilities)
        return readers

    def replace(self, old: Node, new: Node, readers: List[Node]) -> None:
        """Lets the readers of old read new instead; old stays without readers."""
        for node in readers:
            node.inputs = [new if operand is old else operand for operand in node.inputs]
        if self.logits is old:
            self.logits = new
        if self.probabilities is old:
            self.probabilities = new

    def remove_unused(self) -> None:
        """Drops the nodes that no output depends on."""
        used = {id(self.input)}
        stack = [self.logits, self.probabilities]
        while stack:
            node = stack.pop()
            if id(node) not in used:
                used.add(id(node))
                stack.extend(node.inputs)
        self.nodes = [node for node in self.nodes if id(node) in used]


def is_affine(node: Node, scale: float, offset: float) -> bool:
    """True where node is x * scale + offset alike for all channels, to float32 precision."""
    return (
        node.kind == "affine"
        and node.activation == "none"
        and bool(np.allclose(node.weights, scale, rtol=1e-6, atol=0) and np.allclose(node.bias, offset, rtol=1e-6, atol=0))
    )


def selection_matrix(count: int, picked: Sequence[int]) -> np.ndarray:
    """[1][1][count][picked]: weights of a 1 x 1 convolution that hands on the channels with these numbers, in this order."""
    weights = np.zeros((1, 1, count, len(picked)))
    weights[0, 0, list(picked), np.arange(len(picked))] = 1.0
    return weights
