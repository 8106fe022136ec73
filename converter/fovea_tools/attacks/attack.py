# SPDX-License-Identifier: Apache-2.0
"""FGSM (Goodfellow et al. 2015) and PGD (Madry et al. 2018) through the engine's gradient of the margin, within the eye and a box of +-epsilon."""

from __future__ import annotations

import dataclasses
from typing import List, Sequence

import numpy as np

from ..engine import Engine


@dataclasses.dataclass(frozen=True)
class Target:
    """A picture of the network's size, and which way its margin is to be driven: -1 away from DR, +1 towards it."""

    pixels: np.ndarray  # side x side x 3, 0 to 255
    direction: int

    @property
    def lit(self) -> np.ndarray:
        """What the preset leaves black stays so."""
        return self.pixels.any(axis=2, keepdims=True)


def project(changed: np.ndarray, target: Target, epsilon: float) -> np.ndarray:
    """Into the box around the picture, and what a pixel can be."""
    pixels = target.pixels.astype(np.float32)
    low, high = np.maximum(pixels - epsilon, 0), np.minimum(pixels + epsilon, 255)
    return np.where(target.lit, np.clip(changed, low, high), pixels).astype(np.float32)


def gradients(engine: Engine, model: str, pictures: Sequence[np.ndarray]) -> List[np.ndarray]:
    paths = engine.float_files(pictures)
    found = [made for _, made in engine.explained(model, paths, "--as-is", "--method", "gradient", "--scalar", "margin")]
    engine.forget(paths)
    return found


def fgsm(targets: Sequence[Target], slopes: Sequence[np.ndarray], epsilon: float) -> List[np.ndarray]:
    """One step along the signs of the gradients at the pictures."""
    return [project(target.pixels + epsilon * target.direction * np.sign(slope), target, epsilon) for target, slope in zip(targets, slopes)]


def pgd(engine: Engine, model: str, targets: Sequence[Target], epsilon: float, steps: int, seed: int) -> List[np.ndarray]:
    """From a random place in the box so many steps, together two and a half times its half width, back into it after each."""
    pictures = []
    for number, target in enumerate(targets):
        start = np.random.default_rng([seed, number]).uniform(-epsilon, epsilon, target.pixels.shape)
        pictures.append(project(target.pixels + start, target, epsilon))
    for _ in range(steps):
        slopes = gradients(engine, model, pictures)
        pictures = [project(picture + 2.5 * epsilon / steps * target.direction * np.sign(slope), target, epsilon)
                    for picture, target, slope in zip(pictures, targets, slopes)]
    return pictures


def logits(engine: Engine, model: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    paths = engine.float_files(pictures)
    found = engine.logits(model, paths)
    engine.forget(paths)
    return found
