// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea::preprocess {

constexpr std::size_t kMostEdgePixels = 8192;  // a photo has at most some 2,500; more are a texture

// A pixel of an edge, and where its brighter side lies: a vector of length 1.
struct EdgePixel {
    float x, y;
    float toward_x, toward_y;
};

struct FrameSize {
    int width, height;
    std::size_t count() const {
        return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    }
};

// The rows and columns between the outermost lit pixels of each.
struct LitRegion {
    const std::int16_t *row_first, *row_last, *column_first, *column_last;

    bool is_within(int x, int y, int margin) const {
        return x - row_first[y] >= margin && row_last[y] - x >= margin &&
               y - column_first[x] >= margin && column_last[x] - y >= margin;
    }
};

// ends: room for two numbers a row and two a column, which the region looks into.
LitRegion find_region(const std::uint8_t* component, FrameSize size, std::int16_t* ends);

// The pixels of edges at least `margin` within the region, one across each; kMostEdgePixels at most. What measure_steps() made.
std::size_t collect_edge_pixels(const std::int16_t* smoothed, const std::int16_t* across, const std::int16_t* down,
                                const LitRegion& region, int margin, FrameSize size, EdgePixel* pixels);

}  // namespace fovea::preprocess
