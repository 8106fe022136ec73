// SPDX-License-Identifier: Apache-2.0
#include "preprocess/line_contrast.h"

#include <algorithm>
#include <cstring>

#include "preprocess/mask_bounds.h"
#include "preprocess/row_loops.h"

namespace fovea::preprocess {
namespace {

constexpr int kHalfLength = 7;
constexpr int kLength = 2 * kHalfLength + 1;
constexpr int kDistance = 2;  // to the lines beside
constexpr int kMargin = kHalfLength + kDistance;
constexpr int kHeldRows = 2 * kDistance + 1;  // of lines' sums
// A line's sum has up to kLength * kLargestLineContrast, its response four times as much: both fit
// in 16 bits.
constexpr int kLargestResponse = 4 * kLength * kLargestLineContrast;
static_assert(kLargestResponse <= INT16_MAX);

constexpr int kDirections = 12;
// 256 * (cosine, sine) of multiples of 15 degrees.
constexpr int kDirection[kDirections][2] = {{256, 0},    {247, 66},   {222, 128},  {181, 181},
                                            {128, 222},  {66, 247},   {0, 256},    {-66, 247},
                                            {-128, 222}, {-181, 181}, {-222, 128}, {-247, 66}};

constexpr int rounded_256th(int value) {
    return value >= 0 ? (value + 128) / 256 : -((128 - value) / 256);
}

constexpr int kRows = 5;  // of kLength in one pass
static_assert(kLength % kRows == 0);

// The value that `rank` of the counted ones lie below.
int ranked(const std::uint32_t* histogram, std::uint64_t rank) {
    std::uint64_t below = 0;
    int value = 0;
    for (; value < kLargestResponse; ++value) {
        below += histogram[value];
        if (below > rank) break;
    }
    return value;
}

}  // namespace

Status measure_lines(const std::int16_t* contrast, int width, int height, const std::uint8_t* mask,
                     const Allocator& allocator, LineContrast* lines) {
    *lines = LineContrast{};
    if (width < 1 || height < 1 || width > INT16_MAX || height > INT16_MAX) {
        return Status::kInvalidArgument;
    }
    const Bounds bounds = bounds_of(mask, width, height);
    if (bounds.is_empty()) return Status::kOk;
    const int inner = bounds.width(), top = bounds.top, bottom = bounds.bottom;
    const int pitch = inner + 2 * kMargin;
    const auto columns = static_cast<std::size_t>(pitch);
    const std::size_t padded = columns * static_cast<std::size_t>(bounds.height() + 2 * kMargin);
    const std::size_t count = static_cast<std::size_t>(inner) * static_cast<std::size_t>(bounds.height());
    Buffer<std::int16_t> plane(allocator), sums(allocator), largest(allocator), smallest(allocator);
    Buffer<std::uint32_t> histogram(allocator);
    if (!plane.allocate(padded) || !sums.allocate(columns * kHeldRows) || !largest.allocate(count) ||
        !smallest.allocate(count) || !histogram.allocate(kLargestResponse + 1)) {
        return Status::kOutOfMemory;
    }
    std::fill(plane.begin(), plane.end(), std::int16_t{0});
    // A direction may leave a line's end without any response above 0: that counts as none.
    std::fill(largest.begin(), largest.end(), std::int16_t{0});
    std::fill(smallest.begin(), smallest.end(), std::int16_t{0});
    const int left = std::max(bounds.left - kMargin, 0), right = std::min(bounds.right + kMargin, width);
    for (int y = std::max(top - kMargin, 0); y < std::min(bottom + kMargin, height); ++y) {
        std::memcpy(plane.data() + std::ptrdiff_t{y - top + kMargin} * pitch + kMargin + left - bounds.left,
                    contrast + std::ptrdiff_t{y} * width + left,
                    static_cast<std::size_t>(right - left) * sizeof(std::int16_t));
    }

    for (const auto& direction : kDirection) {
        const int across_x = rounded_256th(-kDistance * direction[1]);
        const int across_y = rounded_256th(kDistance * direction[0]);
        const auto sums_of = [&](int y) { return sums.data() + std::ptrdiff_t{(y + kDistance) % kHeldRows} * pitch + kMargin; };
        for (int y = -kDistance; y < bounds.height() + kDistance; ++y) {
            const int summed = inner + 2 * kDistance;
            std::int16_t* row = sums_of(y) - kDistance;
            std::memset(row, 0, static_cast<std::size_t>(summed) * sizeof(std::int16_t));
            const std::int16_t* rows[kLength];
            for (int k = -kHalfLength; k <= kHalfLength; ++k) {
                const int dx = rounded_256th(k * direction[0]);
                const int dy = rounded_256th(k * direction[1]);
                rows[k + kHalfLength] = plane.data() + std::ptrdiff_t{y + dy + kMargin} * pitch + kMargin - kDistance + dx;
            }
            for (int k = 0; k < kLength; k += kRows) row_loops().add_five_rows(rows + k, summed, row);
            const int made = y - kDistance;  // all around it are there
            if (made < 0) continue;
            row_loops().respond(sums_of(made), sums_of(made - across_y) - across_x, sums_of(made + across_y) + across_x, inner,
                                largest.data() + std::ptrdiff_t{made} * inner, smallest.data() + std::ptrdiff_t{made} * inner);
        }
    }

    std::uint64_t inside = 0;
    for (int y = top; y < bottom; ++y) {
        const std::uint8_t* row = mask + std::ptrdiff_t{y} * width + bounds.left;
        for (int x = 0; x < inner; ++x) inside += row[x];
    }
    // Two lines of kLength pixels were compared with twice the one between.
    constexpr float kUnit = 1.0f / (2 * kLength);
    const auto percentile = [&](std::uint64_t percent) {
        return static_cast<float>(ranked(histogram.data(), inside * percent / 100)) * kUnit;
    };
    // Of what is inside, by `sign` times the response.
    const auto count_responses = [&](const Buffer<std::int16_t>& responses, int sign) {
        std::fill(histogram.begin(), histogram.end(), 0u);
        const std::int16_t* response = responses.data();
        for (int y = top; y < bottom; ++y, response += inner) {
            const std::uint8_t* row = mask + std::ptrdiff_t{y} * width + bounds.left;
            for (int x = 0; x < inner; ++x) histogram[sign * response[x]] += row[x];
        }
    };
    count_responses(largest, 1);
    lines->dark_median = percentile(50);
    lines->dark_98 = percentile(98);
    count_responses(smallest, -1);
    lines->bright_98 = percentile(98);
    return Status::kOk;
}

}  // namespace fovea::preprocess
