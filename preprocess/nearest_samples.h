// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea::preprocess {

// Samples [begin, end) of a row of `width` that each take the one of `row` at their place:
// out[x] = row[x * row_width / width].
inline void take_nearest(const std::uint8_t* row, int row_width, int width, int begin, int end,
                         std::uint8_t* out) {
    const int step = row_width / width, rest = row_width % width;
    const std::int64_t from = std::int64_t{begin} * row_width;
    const std::uint8_t* sample = row + from / width;
    auto left = static_cast<int>(from % width);
    for (int x = begin; x < end; ++x) {
        out[x] = *sample;
        sample += step;
        left += rest;
        if (left >= width) {
            left -= width;
            ++sample;
        }
    }
}

}  // namespace fovea::preprocess
