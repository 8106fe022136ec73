// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace fovea::preprocess {

// Pixels [left, right) x [top, bottom).
struct Bounds {
    int left, top, right, bottom;

    int width() const { return right - left; }
    int height() const { return bottom - top; }
    bool is_empty() const { return left >= right; }
};

// The smallest part of a width x height mask of 0 and 1 that holds its ones.
inline Bounds bounds_of(const std::uint8_t* mask, int width, int height) {
    Bounds bounds = {width, height, 0, 0};
    const auto find = [](const std::uint8_t* row, int begin, int end) -> const std::uint8_t* {
        return static_cast<const std::uint8_t*>(std::memchr(row + begin, 1, static_cast<std::size_t>(end - begin)));
    };
    for (int y = 0; y < height; ++y, mask += width) {
        // Once the widest rows are seen, few columns are left to look at.
        const std::uint8_t* found = find(mask, 0, bounds.left);
        bool any = found != nullptr;
        if (any) bounds.left = static_cast<int>(found - mask);
        while (bounds.right < width && (found = find(mask, std::max(bounds.left, bounds.right), width)) != nullptr) {
            bounds.right = static_cast<int>(found - mask) + 1;
            any = true;
        }
        if (!any && bounds.left < bounds.right) any = find(mask, bounds.left, bounds.right) != nullptr;
        if (!any) continue;
        bounds.top = std::min(bounds.top, y);
        bounds.bottom = y + 1;
    }
    return bounds;
}

}  // namespace fovea::preprocess
