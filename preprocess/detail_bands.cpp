// SPDX-License-Identifier: Apache-2.0
#include "preprocess/detail_bands.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kLargestHole = 1 << (kDetailBandCount - 1);
constexpr int kMargin = 2 * kLargestHole;  // zeros on either side of a row

// output[i] = input[i - 2 * hole .. i + 2 * hole] * (1 4 6 4 1) / 16.
void smooth(const float* a, const float* b, const float* c, const float* d, const float* e,
            int count, float* __restrict output) {
    for (int i = 0; i < count; ++i) {
        output[i] = (a[i] + e[i] + 4.0f * (b[i] + d[i]) + 6.0f * c[i]) * (1.0f / 16.0f);
    }
}

// A plane of floats, smoothed in place; outside is zero.
struct Plane {
    float* values;
    int width, height;

    float* row(int y) const { return values + static_cast<std::ptrdiff_t>(y) * width; }
};

// padded: width + 2 * kMargin floats whose margins are zero; zeros: width zeros;
// window: 2 * hole * width floats, the rows above that are already overwritten.
void smooth_plane(const Plane& plane, int hole, float* padded, const float* zeros, float* window) {
    const auto row_bytes = static_cast<std::size_t>(plane.width) * sizeof(float);
    float* middle = padded + kMargin;
    for (int y = 0; y < plane.height; ++y) {
        std::memcpy(middle, plane.row(y), row_bytes);
        smooth(middle - 2 * hole, middle - hole, middle, middle + hole, middle + 2 * hole,
               plane.width, plane.row(y));
    }
    const int kept = 2 * hole;
    const auto above = [&](int y) -> const float* {
        return y < 0 ? zeros : window + static_cast<std::ptrdiff_t>(y % kept) * plane.width;
    };
    const auto below = [&](int y) -> const float* {
        return y >= plane.height ? zeros : plane.row(y);
    };
    for (int y = 0; y < plane.height; ++y) {
        std::memcpy(middle, plane.row(y), row_bytes);
        smooth(above(y - 2 * hole), above(y - hole), middle, below(y + hole), below(y + 2 * hole),
               plane.width, plane.row(y));
        std::memcpy(window + static_cast<std::ptrdiff_t>(y % kept) * plane.width, middle,
                    row_bytes);
    }
}

}  // namespace

Status measure_detail(const std::uint8_t* pixels, int step, std::ptrdiff_t stride, int width,
                      int height, const std::uint8_t* mask, const Allocator& allocator,
                      DetailBands* bands) {
    *bands = DetailBands{};
    if (width < 1 || height < 1 || step < 1) return Status::kInvalidArgument;
    const auto columns = static_cast<std::size_t>(width);
    std::size_t count = 0;
    if (!checked_product(columns, static_cast<std::size_t>(height), &count)) {
        return Status::kInvalidArgument;
    }
    // value and weight are smoothed; their quotient is the smoothed picture. level: the last
    // quotient.
    Buffer<float> value(allocator), weight(allocator), level(allocator), scratch(allocator);
    const std::size_t scratch_size = columns + 2 * kMargin + columns + 2 * kLargestHole * columns;
    if (!value.allocate(count) || !weight.allocate(count) || !level.allocate(count) ||
        !scratch.allocate(scratch_size)) {
        return Status::kOutOfMemory;
    }
    float* padded = scratch.data();
    float* zeros = padded + columns + 2 * kMargin;
    float* window = zeros + columns;
    std::fill(scratch.begin(), scratch.end(), 0.0f);

    const auto pixel = [&](int x, int y) {
        return static_cast<float>(pixels[y * stride + std::ptrdiff_t{x} * step]);
    };
    std::size_t inside = 0, i = 0;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x, ++i) {
            const bool in = mask[i] != 0;
            weight[i] = in ? 1.0f : 0.0f;
            value[i] = level[i] = in ? pixel(x, y) : 0.0f;
            inside += in;
        }
    }
    if (inside == 0) return Status::kOk;

    const double n = static_cast<double>(inside);
    constexpr float kFloor = 4.0f;  // keeps quotients of nearly black pixels tame
    for (int j = 0; j < kDetailBandCount; ++j) {
        smooth_plane({value.data(), width, height}, 1 << j, padded, zeros, window);
        smooth_plane({weight.data(), width, height}, 1 << j, padded, zeros, window);
        double square = 0;
        for (i = 0; i < count; ++i) {
            if (mask[i] == 0) continue;
            const float next = value[i] / weight[i];
            const float band = (level[i] - next) / (next + kFloor);
            square += double{band} * band;
            level[i] = next;
        }
        bands->rms[j] = static_cast<float>(std::sqrt(square / n));
    }

    double second = 0, third = 0, fourth = 0, coarse_sum = 0, coarse_square = 0;
    i = 0;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x, ++i) {
            if (mask[i] == 0) continue;
            const double coarse = level[i];
            const double all = (pixel(x, y) - coarse) / (coarse + kFloor);
            const double square = all * all;
            second += square;
            third += square * all;
            fourth += square * square;
            coarse_sum += coarse;
            coarse_square += coarse * coarse;
        }
    }
    second /= n;
    if (second > 1e-12) {
        bands->skewness = static_cast<float>(third / n / (second * std::sqrt(second)));
        bands->kurtosis = static_cast<float>(fourth / n / (second * second));
    }
    const double mean = coarse_sum / n;
    const double variance = std::max(0.0, coarse_square / n - mean * mean);
    bands->illumination = static_cast<float>(std::sqrt(variance) / (mean + kFloor));
    return Status::kOk;
}

}  // namespace fovea::preprocess
