// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "preprocess/camera_pixels.h"

namespace fovea::preprocess {

// Pixels of a row, the first of them in an even column, and the U and V of their blocks.
struct YuvRow {
    const std::uint8_t* y;
    const std::uint8_t* u;
    const std::uint8_t* v;
    std::size_t y_step, u_step, v_step;  // bytes from one to the next
};

// The row's first count pixels as RGB.
void read_yuv(const YuvRow& row, YuvRange range, int count, std::uint8_t* rgb);

}  // namespace fovea::preprocess
