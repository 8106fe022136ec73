// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"
#include "preprocess/memory.h"

namespace fovea::preprocess {

// How much darker, or brighter, than the two lines beside it a straight line through a pixel is, in
// the direction where it is most so: lines of 15 pixels in 12 directions, 2 pixels from either
// neighbour. Where the disc measures some 224 pixels that is a piece of a vessel. Noise, dither and
// blocks make as much bright line as dark, and about as much everywhere; a retina makes more dark
// line than bright, on few pixels.
struct LineContrast {
    float dark_median = 0;
    float dark_98 = 0;  // 98th percentile
    float bright_98 = 0;
};

inline constexpr int kLargestLineContrast = 500;

// contrast: width * height numbers from -kLargestLineContrast to kLargestLineContrast, taken as 0
// beyond the frame; the result has their unit. mask: 1 where a pixel counts, else 0; an empty one gives zeros.
// The sums are integers. Status: kOutOfMemory, kInvalidArgument.
Status measure_lines(const std::int16_t* contrast, int width, int height, const std::uint8_t* mask,
                     const Allocator& allocator, LineContrast* lines);

}  // namespace fovea::preprocess
