// SPDX-License-Identifier: Apache-2.0
#include "preprocess/upright_rows.h"

#include <cstring>

namespace fovea::preprocess {

bool UprightRows::allocate(Image* upright) const {
    return is_sideways() ? upright->allocate(height_, width_) : upright->allocate(width_, height_);
}

void UprightRows::put(const std::uint8_t* row, int y, Image* upright) const {
    if (orientation_ == 1) {
        std::memcpy(upright->row(y), row, static_cast<std::size_t>(width_) * 3);
        return;
    }
    // In which order the upright picture takes the stored columns and rows.
    const bool flips_x = orientation_ == 2 || orientation_ == 3 || orientation_ >= 7;
    const bool flips_y =
        orientation_ == 3 || orientation_ == 4 || orientation_ == 6 || orientation_ == 7;
    const int at_y = flips_y ? height_ - 1 - y : y;
    const int first_x = flips_x ? width_ - 1 : 0;
    const std::ptrdiff_t right = is_sideways() ? std::ptrdiff_t{3} * upright->width : 3;
    const std::ptrdiff_t step = flips_x ? -right : right;
    std::uint8_t* pixel = is_sideways() ? upright->row(first_x) + std::ptrdiff_t{3} * at_y
                                        : upright->row(at_y) + std::ptrdiff_t{3} * first_x;
    for (int x = 0; x < width_; ++x) {
        std::memcpy(pixel, row + std::ptrdiff_t{3} * x, 3);
        pixel += step;
    }
}

}  // namespace fovea::preprocess
