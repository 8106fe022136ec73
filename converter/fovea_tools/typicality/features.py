# SPDX-License-Identifier: Apache-2.0
"""The features of photos: what the engine's layers make of them, averaged over the pixels."""

from __future__ import annotations

from typing import Callable, List, Sequence

import numpy as np

from ..engine import Engine


def extract(engine: Engine, model: str, taps: Sequence[str], pictures: Sequence[str], report: Callable[[int], None]) -> List[np.ndarray]:
    """(pictures, channels) float64 for each tap. pictures: of the network's size."""
    rows: List[List[np.ndarray]] = []
    for found in engine.taps(model, pictures, taps, report):
        rows.append([found[tap].astype(np.float64).mean(axis=(0, 1)) for tap in taps])
    return [np.stack([row[i] for row in rows]) for i in range(len(taps))]
