// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

namespace fovea::preprocess {

// Samples [begin, end) of a row of `width` that each take the one of `row` at their place:
// out[x] = row[x * row_width / width].
inline void take_nearest(const std::uint8_t* row, int row_width, int width, int begin, int end,
                         std::uint8_t* out) {
    if (begin >= end) return;
    if (width == row_width) {
        std::memcpy(out + begin, row + begin, static_cast<std::size_t>(end - begin));
        return;
    }
    if (width == 2 * row_width) {
        if (begin % 2 != 0) {
            out[begin] = row[begin / 2];
            ++begin;
        }
        std::uint8_t* __restrict pairs = out + begin;
        const std::uint8_t* __restrict samples = row + begin / 2;
        for (int i = 0; i < (end - begin) / 2; ++i) pairs[2 * i] = pairs[2 * i + 1] = samples[i];
        if ((end - begin) % 2 != 0) out[end - 1] = row[(end - 1) / 2];
        return;
    }
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
