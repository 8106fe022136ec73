# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: pictures and what the training framework computes of them."""

from __future__ import annotations

import math
import zipfile
from typing import Optional, Tuple

import numpy as np

from ..errors import UsageError
from ..file.fovea_file import FoveaModel, Golden

LARGEST_GOLDEN = 1 << 30
# Largest accepted difference of a golden logit, as a share of the logits' spread, where the vectors do not say. Weights rounded to
# half precision are off by up to 2^-11.
GOLDEN_SHARES = {"fp32": 1e-4, "fp16": 1e-2}


def read_golden_arrays(path: str) -> Tuple[np.ndarray, np.ndarray, Optional[float]]:
    """The arrays, each no larger than it declares and none larger than LARGEST_GOLDEN."""
    with zipfile.ZipFile(path) as archive:
        for name in ("pixels", "logits", "tolerance"):
            if f"{name}.npy" not in archive.namelist():
                continue
            with archive.open(f"{name}.npy") as member:
                version = np.lib.format.read_magic(member)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, kind = header(member)
            if math.prod(shape) * kind.itemsize > LARGEST_GOLDEN:
                raise ValueError(f"{name} would take more than {LARGEST_GOLDEN >> 20} MiB")
    with np.load(path, allow_pickle=False) as arrays:
        tolerance = float(arrays["tolerance"]) if "tolerance" in arrays else None
        return arrays["pixels"], np.asarray(arrays["logits"], np.float32), tolerance


def read_golden(path: str, model: FoveaModel, outputs: int, dtype: str) -> Golden:
    """pixels (N, H, W, C) uint8, logits (N, K) float32, tolerance (optional; the dtype's share of the spread) from an .npz file."""
    try:
        with np.errstate(over="ignore"):
            pixels, logits, tolerance = read_golden_arrays(path)
    except Exception as error:  # numpy and zipfile raise anything on damaged files
        raise UsageError(f"--golden {path}: cannot be read ({' '.join(str(error).split())[:120]})") from error
    channels = model.input_size[2]
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != channels or not 1 <= len(pixels) <= 64:
        raise UsageError(f"--golden {path}: pixels should be 1 to 64 pictures (N, height, width, {channels}) of uint8, are {pixels.shape} {pixels.dtype}")
    if any(n and n != m for n, m in zip(model.input_size, pixels.shape[1:3])):
        raise UsageError(f"--golden {path}: pictures of {pixels.shape[1]}x{pixels.shape[2]}, the network takes {model.input_size[0]}x{model.input_size[1]}")
    if logits.shape != (len(pixels), outputs) or not np.isfinite(logits).all():
        raise UsageError(f"--golden {path}: logits should be ({len(pixels)}, {outputs}) finite numbers, are {logits.shape}")
    if tolerance is None:
        tolerance = GOLDEN_SHARES[dtype] * max(float(logits.max() - logits.min()), 1.0)
    if not 0 <= tolerance <= 3e38:
        raise UsageError(f"--golden {path}: tolerance {tolerance} is not a number from 0 to 3e38")
    return Golden(
        *(int(n) for n in pixels.shape[1:]), tolerance, [[float(v) for v in row] for row in logits],
        [np.ascontiguousarray(picture).tobytes() for picture in pixels],
    )
