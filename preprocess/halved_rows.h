// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

// Makes a picture of half the size, each pixel the mean of 2 x 2 (a half is rounded up), of rows as they come. Sides are rounded up:
// the last column or row then stands twice. Where sides are even, what OpenCV's INTER_AREA makes of it.
class HalvedRows {
  public:
    explicit HalvedRows(const Allocator& allocator) : sums_(allocator), halved_(allocator) {}

    [[nodiscard]] bool begin(int width, int height);
    // The next row from the top; what is made of it and the one before, or null.
    const std::uint8_t* take(const std::uint8_t* row);

    static std::uint64_t bytes_for(int width) { return std::uint64_t{9} * static_cast<std::uint64_t>(width) + 64; }

  private:
    Buffer<std::uint16_t> sums_;   // of a column's two pixels
    Buffer<std::uint8_t> halved_;  // a row
    int width_ = 0;
    int height_ = 0;
    int next_row_ = 0;
};

}  // namespace fovea::preprocess
