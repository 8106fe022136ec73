// SPDX-License-Identifier: Apache-2.0
// The same picture turned and mirrored, and what its views say together.
#pragma once

#include <cstdint>

#include "preprocess/image.h"

namespace fovea {

inline constexpr std::uint32_t kMaxViews = 8;

// 1: the picture as it is. 2: and mirrored. 4: in its four turns. 8: in these, mirrored too.
constexpr bool is_view_count(std::uint32_t count) {
    return count == 1 || count == 2 || count == 4 || count == kMaxViews;
}

// Makes of a square picture, in place, the next of so many views; number counts from 0. The last is the picture as it was.
void turn_to_view(std::uint32_t number, std::uint32_t count, preprocess::Image* picture);

// The mean of finite values, which are sorted: the same bits in whatever order they were.
float mean_of_views(float* values, std::uint32_t count);

}  // namespace fovea
