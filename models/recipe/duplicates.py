# SPDX-License-Identifier: Apache-2.0
"""Finds photos that must stay on one side of a split: same pixels, nearly the same picture, same patient."""
import hashlib

import numpy as np
from PIL import Image, ImageOps

THUMBNAIL = 48
INNER_RADIUS = 0.85  # of the half side: without the rim and the black corners, which all photos share


def content_hash(path):
    """SHA-256 of the decoded, upright RGB pixels: equal for one picture stored in two files."""
    with Image.open(path) as image:
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def thumbnails(pictures):
    """(N, K) float32 rows of zero mean and unit length from uint8 preprocessed pictures (N, S, S, 3): the grey values
    inside a disc of a small copy."""
    axis = (np.arange(THUMBNAIL) + 0.5) / THUMBNAIL * 2 - 1
    inside = axis[:, None] ** 2 + axis[None, :] ** 2 <= INNER_RADIUS ** 2
    rows = []
    for picture in pictures:
        grey = Image.fromarray(picture).convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
        row = np.asarray(grey, np.float32)[inside]
        row -= row.mean()
        rows.append(row / max(float(np.linalg.norm(row)), 1e-6))
    return np.asarray(rows)


def near_pairs(rows, threshold):
    """[(i, j), ...], i < j, of thumbnails whose correlation reaches the threshold."""
    pairs = []
    block = 512
    for start in range(0, len(rows), block):
        correlation = rows[start:start + block] @ rows.T
        i, j = np.nonzero(correlation >= threshold)
        pairs += [(int(a) + start, int(b)) for a, b in zip(i, j) if a + start < b]
    return pairs


def groups(count, pairs):
    """Group number of each of `count` items, where every pair (i, j) shares a group. Numbered by first member."""
    parent = list(range(count))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        a, b = root(i), root(j)
        parent[max(a, b)] = min(a, b)
    return [root(i) for i in range(count)]


def equal_pairs(keys):
    """Pairs that chain all items with the same key; None is equal to nothing."""
    last, pairs = {}, []
    for i, key in enumerate(keys):
        if key is None:
            continue
        if key in last:
            pairs.append((last[key], i))
        last[key] = i
    return pairs
