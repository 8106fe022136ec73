// SPDX-License-Identifier: Apache-2.0
#include "preprocess/line_contrast.h"

#include <algorithm>
#include <cstring>

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

// The sums of kLength rows, kRows of them in one pass.
constexpr int kRows = 5;
static_assert(kLength % kRows == 0);

void add_rows(const std::int16_t* const* rows, int count, std::int16_t* __restrict sums) {
    const std::int16_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3], *e = rows[4];
    for (int i = 0; i < count; ++i) {
        sums[i] = static_cast<std::int16_t>(sums[i] + a[i] + b[i] + c[i] + d[i] + e[i]);
    }
}

// The largest response so far, and the smallest.
void respond(const std::int16_t* line, const std::int16_t* before, const std::int16_t* after,
             int count, std::int16_t* __restrict largest, std::int16_t* __restrict smallest) {
    for (int i = 0; i < count; ++i) {
        const auto response = static_cast<std::int16_t>(before[i] + after[i] - 2 * line[i]);
        largest[i] = std::max(largest[i], response);
        smallest[i] = std::min(smallest[i], response);
    }
}

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
    const int pitch = width + 2 * kMargin;
    const auto columns = static_cast<std::size_t>(pitch);
    const std::size_t padded = columns * static_cast<std::size_t>(height + 2 * kMargin);
    const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
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
    for (int y = 0; y < height; ++y) {
        std::memcpy(plane.data() + std::ptrdiff_t{y + kMargin} * pitch + kMargin,
                    contrast + std::ptrdiff_t{y} * width,
                    static_cast<std::size_t>(width) * sizeof(std::int16_t));
    }

    for (const auto& direction : kDirection) {
        const int across_x = rounded_256th(-kDistance * direction[1]);
        const int across_y = rounded_256th(kDistance * direction[0]);
        const auto sums_of = [&](int y) { return sums.data() + std::ptrdiff_t{(y + kDistance) % kHeldRows} * pitch + kMargin; };
        for (int y = -kDistance; y < height + kDistance; ++y) {
            const int summed = width + 2 * kDistance;
            std::int16_t* row = sums_of(y) - kDistance;
            std::memset(row, 0, static_cast<std::size_t>(summed) * sizeof(std::int16_t));
            const std::int16_t* rows[kLength];
            for (int k = -kHalfLength; k <= kHalfLength; ++k) {
                const int dx = rounded_256th(k * direction[0]);
                const int dy = rounded_256th(k * direction[1]);
                rows[k + kHalfLength] = plane.data() + std::ptrdiff_t{y + dy + kMargin} * pitch + kMargin - kDistance + dx;
            }
            for (int k = 0; k < kLength; k += kRows) add_rows(rows + k, summed, row);
            const int made = y - kDistance;  // all around it are there
            if (made < 0) continue;
            respond(sums_of(made), sums_of(made - across_y) - across_x, sums_of(made + across_y) + across_x, width,
                    largest.data() + std::ptrdiff_t{made} * width, smallest.data() + std::ptrdiff_t{made} * width);
        }
    }

    std::uint64_t inside = 0;
    for (std::size_t i = 0; i < count; ++i) inside += mask[i] != 0;
    if (inside == 0) return Status::kOk;
    // Two lines of kLength pixels were compared with twice the one between.
    constexpr float kUnit = 1.0f / (2 * kLength);
    const auto percentile = [&](std::uint64_t percent) {
        return static_cast<float>(ranked(histogram.data(), inside * percent / 100)) * kUnit;
    };
    std::fill(histogram.begin(), histogram.end(), 0u);
    for (std::size_t i = 0; i < count; ++i) histogram[largest[i]] += mask[i] != 0;
    lines->dark_median = percentile(50);
    lines->dark_98 = percentile(98);
    std::fill(histogram.begin(), histogram.end(), 0u);
    for (std::size_t i = 0; i < count; ++i) histogram[-smallest[i]] += mask[i] != 0;
    lines->bright_98 = percentile(98);
    return Status::kOk;
}

}  // namespace fovea::preprocess
