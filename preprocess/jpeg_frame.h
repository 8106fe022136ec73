// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea::preprocess {

inline constexpr int kMaxJpegComponents = 4;
inline constexpr int kJpegBlock = 8;  // samples on each side
inline constexpr int kJpegCoefficients = 64;

struct JpegComponent {
    int id = 0;
    int h = 0;  // sampling factors
    int v = 0;
    int quant_table = 0;
    int blocks_x = 0;  // that hold pixels of the image
    int blocks_y = 0;
    int stored_blocks_x = 0;  // whole interleaved units
    int stored_blocks_y = 0;
};

// What the frame header says.
struct JpegFrame {
    bool is_progressive = false;
    int width = 0;
    int height = 0;
    int component_count = 0;
    int h_max = 1;
    int v_max = 1;
    int units_x = 0;  // interleaved units: kJpegBlock * h_max by kJpegBlock * v_max pixels
    int units_y = 0;
    JpegComponent components[kMaxJpegComponents];

    std::uint64_t stored_blocks(int component) const {
        const JpegComponent& c = components[component];
        return static_cast<std::uint64_t>(c.stored_blocks_x) *
               static_cast<std::uint64_t>(c.stored_blocks_y);
    }
};

// In how many pixels a side of a block of the largest component ends.
enum class JpegScale : int { kFull = 8, kHalf = 4, kQuarter = 2, kEighth = 1 };

// A side of the picture at that scale: rounded up.
inline int scaled_side(int side, JpegScale scale) {
    return (side * static_cast<int>(scale) + kJpegBlock - 1) / kJpegBlock;
}

}  // namespace fovea::preprocess
