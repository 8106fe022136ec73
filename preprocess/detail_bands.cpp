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

// A plane of floats that is smoothed in place from the top down; outside is zero.
class Smoothing {
  public:
    // padded: width + 2 * kMargin floats whose margins are zero; zeros: width zeros; ring:
    // kRingRows rows, the plane's rows around the current one, smoothed along.
    Smoothing(float* values, int width, int height, int hole, float* padded, const float* zeros,
              float* ring)
        : values_(values),
          width_(width),
          height_(height),
          hole_(hole),
          padded_(padded),
          zeros_(zeros),
          ring_(ring) {}

    static constexpr int kRingRows = 4 * kLargestHole + 1;

    float* row(int y) const { return values_ + std::ptrdiff_t{y} * width_; }

    // Smooths row y; the rows above it must be done. Until then it is what it was.
    void smooth_row(int y) {
        for (; along_ < height_ && along_ <= y + 2 * hole_; ++along_) {
            float* const middle = padded_ + kMargin;
            std::memcpy(middle, row(along_), static_cast<std::size_t>(width_) * sizeof(float));
            smooth(middle - 2 * hole_, middle - hole_, middle, middle + hole_, middle + 2 * hole_,
                   width_, ring_row(along_));
        }
        smooth(smoothed_along(y - 2 * hole_), smoothed_along(y - hole_), smoothed_along(y),
               smoothed_along(y + hole_), smoothed_along(y + 2 * hole_), width_, row(y));
    }

  private:
    float* ring_row(int y) const { return ring_ + std::ptrdiff_t{y % kRingRows} * width_; }
    const float* smoothed_along(int y) const {
        return y < 0 || y >= height_ ? zeros_ : ring_row(y);
    }

    float* const values_;
    const int width_, height_, hole_;
    float* const padded_;
    const float* const zeros_;
    float* const ring_;
    int along_ = 0;  // rows that have gone into the ring
};

// Where no pixel of the mask is near, both are 0 and nobody looks at the quotient, but a host may
// have made 0 / 0 a signal. Smoothed weights are far above the floor where they are not 0.
void divide(const float* a, const float* b, int count, float* __restrict quotients) {
    constexpr float kLeastWeight = 1e-30f;
    for (int i = 0; i < count; ++i) quotients[i] = a[i] / std::max(b[i], kLeastWeight);
}

}  // namespace

Status measure_detail(const std::uint8_t* pixels, int step, std::ptrdiff_t stride, int width,
                      int height, const std::uint8_t* mask, const Allocator& allocator,
                      DetailBands* bands, std::int16_t* contrast) {
    *bands = DetailBands{};
    if (width < 1 || height < 1 || step < 1) return Status::kInvalidArgument;
    const auto columns = static_cast<std::size_t>(width);
    std::size_t count = 0;
    if (!checked_product(columns, static_cast<std::size_t>(height), &count)) {
        return Status::kInvalidArgument;
    }
    // value and weight are smoothed; their quotient is the smoothed picture.
    Buffer<float> value(allocator), weight(allocator), scratch(allocator);
    const std::size_t ring_size = Smoothing::kRingRows * columns;
    const std::size_t scratch_size = columns + 2 * kMargin + 3 * columns + 2 * ring_size;
    if (!value.allocate(count) || !weight.allocate(count) || !scratch.allocate(scratch_size)) {
        return Status::kOutOfMemory;
    }
    float* padded = scratch.data();
    float* zeros = padded + columns + 2 * kMargin;
    float* level = zeros + columns;  // a row of the last quotient, and of the next one
    float* next = level + columns;
    float* ring = next + columns;
    std::fill(scratch.begin(), scratch.end(), 0.0f);

    const auto pixel = [&](int x, int y) {
        return static_cast<float>(pixels[y * stride + std::ptrdiff_t{x} * step]);
    };
    std::size_t inside = 0, i = 0;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x, ++i) {
            const bool in = mask[i] != 0;
            weight[i] = in ? 1.0f : 0.0f;
            value[i] = in ? pixel(x, y) : 0.0f;
            inside += in;
        }
    }
    if (contrast != nullptr) std::memset(contrast, 0, count * sizeof(std::int16_t));
    if (inside == 0) return Status::kOk;

    const double n = static_cast<double>(inside);
    constexpr float kFloor = 4.0f;  // keeps quotients of nearly black pixels tame
    for (int j = 0; j < kDetailBandCount; ++j) {
        const int hole = 1 << j;
        Smoothing values(value.data(), width, height, hole, padded, zeros, ring);
        Smoothing weights(weight.data(), width, height, hole, padded, zeros, ring + ring_size);
        double square = 0;
        i = 0;
        for (int y = 0; y < height; ++y) {
            divide(values.row(y), weights.row(y), width, level);
            values.smooth_row(y);
            weights.smooth_row(y);
            divide(values.row(y), weights.row(y), width, next);
            for (int x = 0; x < width; ++x, ++i) {
                if (mask[i] == 0) continue;
                const float band = (level[x] - next[x]) / (next[x] + kFloor);
                square += double{band} * band;
            }
        }
        bands->rms[j] = static_cast<float>(std::sqrt(square / n));
    }

    double second = 0, third = 0, fourth = 0, coarse_sum = 0, coarse_square = 0;
    i = 0;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x, ++i) {
            if (mask[i] == 0) continue;
            const double coarse = value[i] / weight[i];
            const double all = (pixel(x, y) - coarse) / (coarse + kFloor);
            if (contrast != nullptr) {
                constexpr double kLargest = kLargestContrast;
                contrast[i] =
                    static_cast<std::int16_t>(std::clamp(all * 1000, -kLargest, kLargest));
            }
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
