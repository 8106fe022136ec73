# SPDX-License-Identifier: Apache-2.0
"""The presets as plain OpenCV calls: the reference for pixels.

Each takes and gives 8-bit RGB (height, width, 3); size is the side of the square result in pixels.
"""

import cv2
import numpy as np


def box_crop(image, code=cv2.COLOR_RGB2GRAY):
    mask = cv2.cvtColor(image, code) > 7
    if not mask.any():
        return image
    return np.ascontiguousarray(image[np.ix_(mask.any(1), mask.any(0))])


def circle_mask(image):
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (width // 2, height // 2), min(width // 2, height // 2), 1, thickness=-1)
    return cv2.bitwise_and(image, image, mask=mask)


def ben_graham(image, sigma):
    return cv2.addWeighted(image, 4, cv2.GaussianBlur(image, (0, 0), sigma), -4, 128)


def resize(image, size, how=cv2.INTER_LINEAR):
    return cv2.resize(image, (size, size), interpolation=how)


def pad_square(image):
    height, width = image.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    return cv2.copyMakeBorder(image, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT)


def kaggle_ben_color(image, size, sigma=10.0, mask=True, code=cv2.COLOR_RGB2GRAY, pad=False, how=cv2.INTER_LINEAR):
    image = box_crop(image, code)
    image = pad_square(image) if pad else image
    image = ben_graham(resize(image, size, how), sigma)
    return circle_mask(image) if mask else image


def kaggle_circle(image, size):
    image = ben_graham(box_crop(circle_mask(box_crop(image))), 10)
    return resize(image, size)


def kaggle_circle_v2(image, size):
    image = box_crop(image)
    image = box_crop(circle_mask(resize(image, max(image.shape[:2]))))
    return resize(ben_graham(image, 10), size)


def graham2015(image, size):
    row = image[image.shape[0] // 2].sum(1)
    factor = 300 / ((row > row.mean() / 10).sum() / 2)
    image = cv2.resize(image, (0, 0), fx=factor, fy=factor)
    disc = np.zeros(image.shape, np.uint8)
    cv2.circle(disc, (image.shape[1] // 2, image.shape[0] // 2), 270, (1, 1, 1), -1)
    image = (ben_graham(image, 10) * disc + 128 * (1 - disc)).astype(np.uint8)
    return resize(image, size) if size else image
