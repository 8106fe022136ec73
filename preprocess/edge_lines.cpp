// SPDX-License-Identifier: Apache-2.0
#include "preprocess/edge_lines.h"

#include <algorithm>
#include <cmath>

#include "preprocess/edge_counts.h"

namespace fovea::preprocess {
namespace {

// The most pixels in a line three wide, across which u, v points, that have their brighter side
// there, or on either side.
int most_in_line(const EdgePixel* pixels, std::size_t count, FrameSize size, float u, float v,
                 bool either_side, std::uint16_t* counts) {
    constexpr float kStraight = 0.98f;
    const auto lines = static_cast<int>(line_counts(size));
    std::fill(counts, counts + lines, std::uint16_t{0});
    const auto first = static_cast<float>((u < 0 ? size.width : 0) + (v < 0 ? size.height : 0));
    for (std::size_t i = 0; i < count; ++i) {
        const EdgePixel& pixel = pixels[i];
        float along = pixel.toward_x * u + pixel.toward_y * v;
        if (either_side) along = std::abs(along);
        if (along < kStraight) continue;
        ++counts[static_cast<int>(pixel.x * u + pixel.y * v + first)];
    }
    return most_in_three(counts, lines);
}

}  // namespace

float longest_line(EdgePixel* pixels, std::size_t count, FrameSize size, std::uint16_t* counts) {
    constexpr int kUpright = 4, kSlants = 64, kTogether = 4;
    constexpr float kNear = 0.94f;  // 8.4 degrees, to the last slant of four, from kStraight
    // Wide vessels run straight at a slant, seldom upright or level.
    constexpr float kSlanted = 0.625f;
    constexpr float kTurnCosine = 0.99879546f, kTurnSine = 0.04906767f;  // of half a turn / kSlants
    float longest = 0, u = 1, v = 0;
    EdgePixel* near = pixels + kMostEdgePixels;
    std::size_t found = 0;
    for (int i = 0; i < kUpright + kSlants; ++i) {
        const bool upright = i < kUpright;
        if (i % kTogether == 0) {
            const float least = upright ? -1.0f : kNear;
            found = 0;
            for (std::size_t k = 0; k < count; ++k) {
                near[found] = pixels[k];
                found += std::abs(pixels[k].toward_x * u + pixels[k].toward_y * v) > least;
            }
        }
        const int most = most_in_line(near, found, size, u, v, !upright, counts);
        // A line has a pixel a row or a column, whichever are more.
        const float part = upright ? 1.0f : kSlanted / std::max(std::abs(u), std::abs(v));
        longest = std::max(longest, static_cast<float>(most) * part);
        const float cosine = upright ? 0.0f : kTurnCosine, sine = upright ? 1.0f : kTurnSine;
        const float turned = u * cosine - v * sine;
        v = v * cosine + u * sine;
        u = turned;
    }
    return longest;
}

}  // namespace fovea::preprocess
