# SPDX-License-Identifier: Apache-2.0
"""What every reader hands over, and what every reader is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, List, Optional, Tuple

from ..builder.graph import Graph


@dataclass
class Network:
    """A trained network as read.

    graph: as the source has it, nothing folded; logits and probabilities are marked. framework: which program wrote it. Of a
    network with a linear end: output_activation is the function ('softmax' or 'sigmoid') that its loss applied itself,
    regression_loss the name of a loss that is for numbers; None where the source does not say. notes: lines for the user.
    """

    graph: Graph
    framework: str
    output_activation: Optional[str] = None
    regression_loss: Optional[str] = None
    notes: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """starts: what the first bytes of its files are. read: from the file's bytes; True: keep one node a layer."""

    starts: Tuple[bytes, ...]
    read: Callable[[bytes, bool], Network]
