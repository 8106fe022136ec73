# SPDX-License-Identifier: Apache-2.0
"""The pictures that peers are calibrated with, as each likes them. Imported in the engines' own environments: NumPy alone."""
import pathlib

import numpy as np


def pictures(folder):
    """uint8 (1, H, W, 3), one after the other."""
    pixels = np.load(pathlib.Path(folder).with_suffix(".npy"), mmap_mode="r")
    for picture in pixels:
        yield picture[None]


def channels_first_pictures(folder):
    """float32 (1, 3, H, W), one after the other."""
    for picture in pictures(folder):
        yield np.ascontiguousarray(picture.transpose(0, 3, 1, 2), dtype=np.float32)
