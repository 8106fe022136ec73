# SPDX-License-Identifier: Apache-2.0
"""Writes preset_expected.h: what OpenCV makes of pictures that tests draw themselves (preset_test.cpp draws the same).

usage: make_preset_expected.py OUT.h        (needs numpy and opencv-python 4)
"""

import sys

import cv2
import numpy as np
from opencv_presets import graham2015, kaggle_ben_color, kaggle_circle, kaggle_circle_v2, resize

PICTURES = [  # width, height, disc centre x and y, radius, kind
    (96, 64, 48, 32, 30, "disc"),
    (97, 131, 50, 60, 57, "disc"),  # cut at left and right
    (151, 101, 70, 55, 40, "striped"),  # dark rows and columns inside the box
    (64, 64, 30, 33, 0, "noise"),
    (33, 1, 16, 0, 9, "disc"),
    (1, 29, 0, 12, 9, "disc"),
    (700, 500, 351, 255, 240, "disc"),
]
SIZES = [1, 7, 64, 97, 224]


def draw(width, height, cx, cy, radius, kind):
    """Integers only, so that another language draws the same: a linear congruential generator a pixel."""
    image = np.zeros((height, width, 3), np.uint8)
    state = 12345
    for y in range(height):
        for x in range(width):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            lit = kind == "noise" or (x - cx) ** 2 + (y - cy) ** 2 <= radius**2
            if kind == "striped" and (x % 11 == 3 or y % 13 == 5):
                lit = False
            grain = [state >> 24 & 63, state >> 16 & 63, state >> 10 & 63]
            base = [150, 80, 30] if lit else [0, 0, 0]
            for c in range(3):
                image[y, x, c] = base[c] + (grain[c] if lit else grain[c] >> 4)
    return image


# Name in the table: the settings that preset_test.cpp gives, and what OpenCV does.
CASES = {
    "plain": resize,
    "plain_area": lambda i, s: resize(i, s, cv2.INTER_AREA),
    "ben": kaggle_ben_color,
    "ben_unmasked_sigma_2_5": lambda i, s: kaggle_ben_color(i, s, 2.5, False),
    "ben_gray_swapped": lambda i, s: kaggle_ben_color(i, s, code=cv2.COLOR_BGR2GRAY),
    "ben_pad_area": lambda i, s: kaggle_ben_color(i, s, pad=True, how=cv2.INTER_AREA),
    "circle": kaggle_circle,
    "circle_v2": kaggle_circle_v2,
    "graham": graham2015,
}


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def main():
    lines = []
    for index, picture in enumerate(PICTURES):
        image = draw(*picture)
        for name, apply in CASES.items():
            for size in SIZES:
                # Thin strips would be scaled to a radius of 300 here: too many pixels for a test.
                if name == "graham" and (size not in (64, 224) or min(picture[:2]) < 64):
                    continue
                result = np.ascontiguousarray(apply(image, size))
                lines.append(f'    {{{index}, "{name}", {size}, 0x{fnv1a(result.tobytes()):016X}U}},')
    fields = "\n".join("    {%d, %d, %d, %d, %d, PictureKind::%s}," % (*p[:5], "k" + p[5].capitalize()) for p in PICTURES)
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write(
            "// SPDX-License-Identifier: Apache-2.0\n"
            f"// Written by tests/golden/make_preset_expected.py with OpenCV {cv2.__version__}.\n"
            "#pragma once\n\n#include <cstdint>\n\n"
            "enum class PictureKind { kDisc, kStriped, kNoise };\n\n"
            "struct Picture {\n    int width, height, center_x, center_y, radius;\n    PictureKind kind;\n};\n\n"
            f"inline constexpr Picture kPictures[] = {{\n{fields}\n}};\n\n"
            "// FNV-1a, 64 bits, of the result's pixels in RGB order.\n"
            "struct PresetExpected {\n    int picture;\n    const char* name;\n    int size;\n    std::uint64_t hash;\n};\n\n"
            "inline constexpr PresetExpected kPresetExpected[] = {\n" + "\n".join(lines) + "\n};\n"
        )


main()
