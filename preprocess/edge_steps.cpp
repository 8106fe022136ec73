// SPDX-License-Identifier: Apache-2.0
#include "preprocess/edge_steps.h"

#include <algorithm>

namespace fovea::preprocess {
namespace {

// 16 times the mean with weights 1 2 1 both ways; the frame's pixels are left out.
void smooth(const ImageView& picture, int channel, std::int16_t* row_sums, std::int16_t* smoothed) {
    const int width = picture.width;
    for (int y = 1; y + 1 < picture.height; ++y) {
        const std::uint8_t* above = picture.row(y - 1) + channel;
        const std::uint8_t* here = picture.row(y) + channel;
        const std::uint8_t* below = picture.row(y + 1) + channel;
        for (int x = 0; x < width; ++x) {
            row_sums[x] =
                static_cast<std::int16_t>(above[3 * x] + 2 * here[3 * x] + below[3 * x]);
        }
        std::int16_t* row = smoothed + std::ptrdiff_t{y} * width;
        for (int x = 1; x + 1 < width; ++x) {
            row[x] = static_cast<std::int16_t>(row_sums[x - 1] + 2 * row_sums[x] + row_sums[x + 1]);
        }
    }
}

// Of `count` pixels the height of the step across each, positive where it is brighter behind; 0
// where there is none. `ahead`: from a pixel to the next across.
void find_steps(const std::int16_t* at, std::ptrdiff_t ahead, int count,
                std::int16_t* __restrict steps) {
    const std::int16_t *b2 = at + 2 * ahead, *b4 = at + 4 * ahead, *b6 = at + 6 * ahead;
    const std::int16_t *a2 = at - 2 * ahead, *a4 = at - 4 * ahead, *a6 = at - 6 * ahead;
    for (int i = 0; i < count; ++i) {
        const std::int16_t most_behind = std::max(b2[i], std::max(b4[i], b6[i]));
        const std::int16_t least_behind = std::min(b2[i], std::min(b4[i], b6[i]));
        const std::int16_t most_before = std::max(a2[i], std::max(a4[i], a6[i]));
        const std::int16_t least_before = std::min(a2[i], std::min(a4[i], a6[i]));
        const auto up = static_cast<std::int16_t>(std::max(least_behind - most_before, 0));
        const auto down = static_cast<std::int16_t>(std::max(least_before - most_behind, 0));
        const auto slopes = static_cast<std::int16_t>(most_behind - least_behind + most_before -
                                                      least_before);
        // Sixteen grey levels more keep dark pictures' noise out.
        const auto level =
            static_cast<std::int16_t>(std::max(most_behind, most_before) + 16 * 16);
        const auto least = static_cast<std::int16_t>((level >> 5) + (level >> 7) +
                                                     (slopes >> 1) + (slopes >> 2));
        const bool stands_out = up + down > least;
        steps[i] = static_cast<std::int16_t>(stands_out ? up - down : 0);
    }
}

}  // namespace

void measure_steps(const ImageView& picture, int channel, std::int16_t* row_sums, std::int16_t* smoothed, std::int16_t* across,
                   std::int16_t* down) {
    smooth(picture, channel, row_sums, smoothed);
    const int inner = picture.width - 2 * kEdgeBorder;
    for (int y = kEdgeBorder; y < picture.height - kEdgeBorder; ++y) {
        const std::ptrdiff_t at = std::ptrdiff_t{y} * picture.width + kEdgeBorder;
        find_steps(smoothed + at, 1, inner, across + at);
        find_steps(smoothed + at, picture.width, inner, down + at);
    }
}

}  // namespace fovea::preprocess
