// SPDX-License-Identifier: Apache-2.0
#include "preprocess/pixel_steps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace fovea::preprocess {
namespace {

constexpr double kFloor = 0.01;  // squared grey levels: keeps quotients of flat pictures tame

// Some rows of the mask that are not closer than `border` to the frame's edge. About so many are enough for a mean.
struct SomeRows {
    int first, end, apart;

    SomeRows(const std::uint8_t* mask, int width, int height, int border, int count) : first(border), end(height - border) {
        const auto is_empty = [&](int y) {
            const std::uint8_t* row = mask + std::ptrdiff_t{y} * width;
            return std::all_of(row, row + width, [](std::uint8_t inside) { return inside == 0; });
        };
        while (first < end && is_empty(first)) ++first;
        while (first < end && is_empty(end - 1)) --end;
        apart = std::max((end - first) / count, 1);
    }
};

struct Squares {
    std::uint64_t sum = 0, count = 0;

    // ahead: from a pixel to the one behind it. A row's sum fits 32 bits.
    void add(const std::uint8_t* pixels, const std::uint8_t* mask, std::ptrdiff_t ahead, int length) {
        std::uint32_t row_sum = 0, row_count = 0;
        for (int i = 0; i < length; ++i) {
            const int inside = mask[i] & mask[i - ahead] & mask[i + ahead];
            const int bend = (2 * pixels[i] - pixels[i - ahead] - pixels[i + ahead]) * inside;
            row_sum += static_cast<std::uint32_t>(bend * bend);
            row_count += static_cast<std::uint32_t>(inside);
        }
        sum += row_sum;
        count += row_count;
    }

    double mean() const { return static_cast<double>(sum) / static_cast<double>(std::max<std::uint64_t>(count, 1)) + kFloor; }
};

}  // namespace

float step_ratio(const std::uint8_t* pixels, int width, int height, const std::uint8_t* mask) {
    constexpr int kNear = 2, kFar = 3;
    Squares near, far;
    const SomeRows rows(mask, width, height, kFar, 24);
    for (int y = rows.first; y < rows.end; y += rows.apart) {
        const std::ptrdiff_t at = std::ptrdiff_t{y} * width + kFar;
        for (const std::ptrdiff_t step : {std::ptrdiff_t{1}, std::ptrdiff_t{width}}) {
            near.add(pixels + at, mask + at, kNear * step, width - 2 * kFar);
            far.add(pixels + at, mask + at, kFar * step, width - 2 * kFar);
        }
    }
    return static_cast<float>(std::sqrt(near.mean() / far.mean()));
}

ColourSteps colour_steps(const ImageView& picture, const std::uint8_t* mask, int distance) {
    const int width = picture.width;
    std::int64_t red = 0, green = 0, blue = 0, count = 0;
    const SomeRows rows(mask, width, picture.height, distance, 16);
    for (int y = rows.first; y < rows.end; y += rows.apart) {
        const std::uint8_t *row = picture.row(y), *mask_row = mask + std::ptrdiff_t{y} * width;
        for (const bool down : {false, true}) {
            const std::uint8_t* behind = down ? picture.row(y + distance) : row + 3 * distance;
            const std::uint8_t* before = down ? picture.row(y - distance) : row - 3 * distance;
            const std::ptrdiff_t ahead = std::ptrdiff_t{distance} * (down ? width : 1);
            for (int x = distance; x < width - distance; ++x) {
                if ((mask_row[x] & mask_row[x - ahead] & mask_row[x + ahead]) == 0) continue;
                int bends[3];
                for (int c = 0; c < 3; ++c) bends[c] = 2 * row[3 * x + c] - before[3 * x + c] - behind[3 * x + c];
                red += (bends[0] - bends[1]) * (bends[0] - bends[1]);
                green += bends[1] * bends[1];
                blue += (bends[2] - bends[1]) * (bends[2] - bends[1]);
                ++count;
            }
        }
    }
    const double least = kFloor * static_cast<double>(std::max<std::int64_t>(count, 1));
    const auto part = [&](std::int64_t sum) {
        return static_cast<float>(std::sqrt((static_cast<double>(sum) + least) / (static_cast<double>(green) + least)));
    };
    return {part(red), part(blue)};
}

}  // namespace fovea::preprocess
