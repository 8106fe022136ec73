// SPDX-License-Identifier: Apache-2.0
#include "preprocess/halved_rows.h"

#include <algorithm>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
// The fourth value of a vector is the next pixel's.
constexpr std::size_t kRoom = 4;

void add_rows(const std::uint8_t* __restrict row, int count, std::uint16_t* __restrict sums) {
    for (int i = 0; i < count; ++i) sums[i] = static_cast<std::uint16_t>(sums[i] + row[i]);
}

void widen_row(const std::uint8_t* __restrict row, int count, std::uint16_t* __restrict sums) {
    for (int i = 0; i < count; ++i) sums[i] = row[i];
}

// Of pairs of columns.
void halve(const std::uint16_t* sums, int width, std::uint8_t* out) {
    typedef std::uint16_t Four __attribute__((vector_size(8)));
    typedef std::uint8_t Bytes __attribute__((vector_size(4)));
    for (int x = 0; x < width; ++x, sums += std::ptrdiff_t{2} * kChannels, out += kChannels) {
        Four left, right;
        std::memcpy(&left, sums, sizeof(left));
        std::memcpy(&right, sums + kChannels, sizeof(right));
        const Bytes pixel = __builtin_convertvector((left + right + 2) >> 2, Bytes);
        std::memcpy(out, &pixel, sizeof(pixel));
    }
}

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
        widen_row(row, count, sums_.data());
        if (!is_last) return nullptr;
    }
    add_rows(row, count, sums_.data());
    if (width_ % 2 != 0) std::memcpy(sums_.data() + count, sums_.data() + count - kChannels, kChannels * sizeof(sums_[0]));
    halve(sums_.data(), (width_ + 1) / 2, halved_.data());
    return halved_.data();
}

}  // namespace fovea::preprocess
