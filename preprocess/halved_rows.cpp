// SPDX-License-Identifier: Apache-2.0
#include "preprocess/halved_rows.h"

#include <algorithm>
#include <cstring>

#include "preprocess/row_loops.h"

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
// The fourth value of a vector is the next pixel's.
constexpr std::size_t kRoom = 4;

}  // namespace

bool HalvedRows::begin(int width, int height) {
    width_ = width;
    height_ = height;
    next_row_ = 0;
    const auto columns = static_cast<std::size_t>(width + width % 2);
    if (!sums_.allocate(kChannels * columns + kRoom) || !halved_.allocate(kChannels * columns / 2 + kRoom)) return false;
    std::fill(sums_.begin(), sums_.end(), std::uint16_t{0});
    return true;
}

const std::uint8_t* HalvedRows::take(const std::uint8_t* row) {
    const int y = next_row_++, count = kChannels * width_;
    const bool is_last = y + 1 == height_;
    if (y % 2 == 0) {
        row_loops().weigh_bytes(row, 1, 0, count, sums_.data());
        if (!is_last) return nullptr;
    }
    row_loops().add_weighed_bytes(row, 1, count, sums_.data());
    if (width_ % 2 != 0) std::memcpy(sums_.data() + count, sums_.data() + count - kChannels, kChannels * sizeof(sums_[0]));
    row_loops().halve_pixels(sums_.data(), (width_ + 1) / 2, halved_.data());
    return halved_.data();
}

}  // namespace fovea::preprocess
