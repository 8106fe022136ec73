// SPDX-License-Identifier: Apache-2.0
#include "preprocess/edge_pixels.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "preprocess/edge_steps.h"

namespace fovea::preprocess {
namespace {

// Where the brighter side lies, from the pixels round about.
EdgePixel edge_pixel(const std::int16_t* at, int width, int x, int y) {
    int across = 0, down = 0;
    for (const int along : {-2, 0, 2}) {
        for (const int away : {2, 4}) {
            across += at[along * width + away] - at[along * width - away];
            down += at[away * width + along] - at[-away * width + along];
        }
    }
    const auto u = static_cast<float>(across), v = static_cast<float>(down);
    const float length = std::sqrt(u * u + v * v);
    const float scale = length > 0 ? 1 / length : 0;
    return {static_cast<float>(x), static_cast<float>(y), u * scale, v * scale};
}

}  // namespace

LitRegion find_region(const std::uint8_t* component, FrameSize size, std::int16_t* ends) {
    std::int16_t *row_first = ends, *row_last = row_first + size.height;
    std::int16_t *column_first = row_last + size.height, *column_last = column_first + size.width;
    std::fill(column_first, column_first + size.width, static_cast<std::int16_t>(size.height));
    std::fill(column_last, column_last + size.width, std::int16_t{-1});
    for (int y = 0; y < size.height; ++y) {
        const std::uint8_t* row = component + std::ptrdiff_t{y} * size.width;
        int first = 0, last = size.width - 1;
        while (first < size.width && row[first] == 0) ++first;
        while (last > first && row[last] == 0) --last;
        row_first[y] = static_cast<std::int16_t>(first);
        row_last[y] = static_cast<std::int16_t>(first < size.width ? last : -1);
        const auto here = static_cast<std::int16_t>(y);
        for (int x = 0; x < size.width; ++x) {
            column_first[x] = row[x] != 0 ? std::min(column_first[x], here) : column_first[x];
            column_last[x] = row[x] != 0 ? here : column_last[x];
        }
    }
    return {row_first, row_last, column_first, column_last};
}

std::size_t collect_edge_pixels(const std::int16_t* smoothed, const std::int16_t* across, const std::int16_t* down,
                                const LitRegion& region, int margin, FrameSize size, EdgePixel* pixels) {
    const int width = size.width;
    std::size_t found = 0;
    for (int y = kEdgeBorder; y < size.height - kEdgeBorder; ++y) {
        const int begin = std::max(region.row_first[y] + margin, kEdgeBorder);
        const int end = std::min(region.row_last[y] - margin + 1, width - kEdgeBorder);
        for (int x = begin; x < end; ++x) {
            const std::ptrdiff_t at = std::ptrdiff_t{y} * width + x;
            if ((across[at] | down[at]) == 0 || !region.is_within(x, y, margin)) continue;
            const int a = std::abs(across[at]), b = std::abs(down[at]);
            const bool is_strongest =
                a >= b ? a >= std::abs(across[at - 1]) && a > std::abs(across[at + 1])
                       : b >= std::abs(down[at - width]) && b > std::abs(down[at + width]);
            if (!is_strongest) continue;
            if (found == kMostEdgePixels) return found;
            pixels[found++] = edge_pixel(smoothed + at, width, x, y);
        }
    }
    return found;
}

}  // namespace fovea::preprocess
