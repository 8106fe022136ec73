# SPDX-License-Identifier: Apache-2.0
"""The features of photos, from the engine itself: `fovea preprocess` and `fovea run --taps`."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import Callable, List, Optional, Sequence

import numpy as np

from ..errors import CalibrationError

AT_ONCE = 100  # pictures for one call of the program: what their layers' outputs take on the disk


def _call(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(list(command), capture_output=True, text=True, check=False)
    except OSError as error:
        raise CalibrationError(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise CalibrationError(f"exit status {done.returncode} of {command[0]} {command[1]}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _means(folder: str, count: int) -> List[np.ndarray]:
    """Of each tap in the order of index.json: the mean over the pixels."""
    with open(os.path.join(folder, "index.json"), encoding="utf-8") as file:
        taps = json.load(file)["taps"]
    if len(taps) != count:
        raise CalibrationError(f"{folder}: {len(taps)} layers where {count} were asked for")
    return [np.load(os.path.join(folder, tap["file"]), allow_pickle=False).astype(np.float64).mean(axis=(0, 1)) for tap in taps]


def extract(program: str, model: str, taps: Sequence[str], photos: Sequence[str], prepared: bool,
            report: Optional[Callable[[int], None]] = None) -> List[np.ndarray]:
    """(photos, channels) float64 for each tap. prepared: the photos are pictures of the network's size already."""
    rows: List[List[np.ndarray]] = []
    for start in range(0, len(photos), AT_ONCE):
        some = [os.path.abspath(path) for path in photos[start:start + AT_ONCE]]
        with tempfile.TemporaryDirectory() as folder:
            if not prepared:
                pictures = [os.path.join(folder, f"{number}.png") for number in range(len(some))]
                for photo, picture in zip(some, pictures):
                    _call([program, "preprocess", "--model", model, photo, picture])
                some = pictures
            dump = os.path.join(folder, "taps")
            _call([program, "run", "--model", model, "--taps", ",".join(taps), "--dump", dump, *some])
            if len(some) == 1:
                rows.append(_means(dump, len(taps)))
            else:
                stems = [os.path.splitext(os.path.basename(path))[0] for path in some]
                rows += [_means(os.path.join(dump, f"{number}_{stem}"), len(taps)) for number, stem in enumerate(stems)]
        if report:
            report(len(rows))
    return [np.stack([row[i] for row in rows]) for i in range(len(taps))]
