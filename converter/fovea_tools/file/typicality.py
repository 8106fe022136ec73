# SPDX-License-Identifier: Apache-2.0
"""Section TYPI of FORMAT.md."""

from __future__ import annotations

import dataclasses
import struct
from typing import List, Sequence, Tuple

import numpy as np

from .fovea_file import Cursor, FormatError

HEADER = struct.Struct("<4I2d32x")
TAP = struct.Struct("<4If12x")


@dataclasses.dataclass(frozen=True)
class TapStatistics:
    """Statistics of one value of the graph; the arrays are float32 as in the file."""

    value: int
    rest_variance: float
    sorted_scores: np.ndarray  # (scores,)
    means: np.ndarray          # (classes, dimension)
    variances: np.ndarray      # (directions,)
    directions: np.ndarray     # (directions, dimension)


@dataclasses.dataclass(frozen=True)
class TypicalityStatistics:
    """input_size: height, width at which they hold. limits: shares under which a photo is atypical, and rejected."""

    input_size: Tuple[int, int]
    limits: Tuple[float, float]
    sorted_shares: np.ndarray
    taps: Sequence[TapStatistics]


def typicality_section(statistics: TypicalityStatistics) -> bytes:
    data = bytearray(HEADER.pack(len(statistics.taps), len(statistics.sorted_shares), *statistics.input_size, *statistics.limits))
    for tap in statistics.taps:
        data += TAP.pack(tap.value, tap.means.shape[1], len(tap.means), len(tap.variances), tap.rest_variance)
    arrays = [statistics.sorted_shares]
    for tap in statistics.taps:
        arrays += [tap.sorted_scores, tap.means, tap.variances, tap.directions]
    for array in arrays:
        data += np.ascontiguousarray(array, "<f4").tobytes()
    return bytes(data)


def read_typicality(data: bytes) -> TypicalityStatistics:
    cursor = Cursor(data, "TYPI")
    count, scores, height, width, atypical, reject = cursor.unpack(HEADER)
    if not 1 <= count <= 4:
        raise FormatError("section TYPI: tap count is outside 1 to 4")
    heads = [cursor.unpack(TAP) for _ in range(count)]

    def floats(*shape: int) -> np.ndarray:
        return np.frombuffer(cursor.bytes(4 * int(np.prod(shape))), "<f4").reshape(shape)

    shares, taps = floats(scores), []  # type: Tuple[np.ndarray, List[TapStatistics]]
    for value, dimension, classes, directions, rest in heads:
        taps.append(TapStatistics(value, rest, floats(scores), floats(classes, dimension), floats(directions),
                                  floats(directions, dimension)))
    cursor.end()
    return TypicalityStatistics((height, width), (atypical, reject), shares, taps)
