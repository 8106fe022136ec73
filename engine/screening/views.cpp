// SPDX-License-Identifier: Apache-2.0
#include "engine/screening/views.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace fovea {
namespace {

constexpr std::size_t kChannels = 3;

void swap_pixels(std::uint8_t* a, std::uint8_t* b) {
    std::swap_ranges(a, a + kChannels, b);
}

// Left and right change places.
void mirror(preprocess::Image* picture) {
    for (int y = 0; y < picture->height; ++y) {
        std::uint8_t* left = picture->row(y);
        std::uint8_t* right = left + kChannels * static_cast<std::size_t>(picture->width - 1);
        for (; left < right; left += kChannels, right -= kChannels) swap_pixels(left, right);
    }
}

// Rows become columns.
void transpose(preprocess::Image* picture) {
    for (int y = 1; y < picture->height; ++y) {
        std::uint8_t* const row = picture->row(y);
        for (int x = 0; x < y; ++x) {
            swap_pixels(row + kChannels * static_cast<std::size_t>(x), picture->row(x) + kChannels * static_cast<std::size_t>(y));
        }
    }
}

}  // namespace

// Both together are a quarter turn: four times both, or eight times one of them in turn, lead back through all views of their kind.
void turn_to_view(std::uint32_t number, std::uint32_t count, preprocess::Image* picture) {
    if (count == 1) return;
    const bool is_quarter_turn = count == 4;
    if (is_quarter_turn || count == 2 || number % 2 == 0) mirror(picture);
    if (is_quarter_turn || (count == kMaxViews && number % 2 == 1)) transpose(picture);
}

float mean_of_views(float* values, std::uint32_t count) {
    // Few values: a library's sort would be more code than the rest of this file.
    for (std::uint32_t end = 1; end < count; ++end) {
        for (std::uint32_t i = end; i > 0 && values[i] < values[i - 1]; --i) std::swap(values[i], values[i - 1]);
    }
    double sum = static_cast<double>(values[0]);
    for (std::uint32_t i = 1; i < count; ++i) sum += static_cast<double>(values[i]);
    return static_cast<float>(sum / count);
}

}  // namespace fovea
