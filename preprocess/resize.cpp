// SPDX-License-Identifier: Apache-2.0
#include "preprocess/resize.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
constexpr int kCoefficientScale = 2048;  // 11 fractional bits

// One output position between two source positions.
struct Tap {
    std::ptrdiff_t offset0;  // bytes from the start of the row to the first source pixel
    std::ptrdiff_t offset1;
    std::int16_t weight0;  // of the first, in 1 / kCoefficientScale
    std::int16_t weight1;
};

std::int16_t coefficient(float weight) {
    return static_cast<std::int16_t>(std::lrintf(weight * kCoefficientScale));
}

// Position and fraction of output index i; area is cv2.INTER_AREA where it enlarges.
void linear_position(int i, double scale, bool area, int* first, float* fraction) {
    if (area) {
        const double inverse = 1.0 / scale;
        *first = static_cast<int>(std::floor(i * scale));
        const auto f = static_cast<float>((i + 1) - (*first + 1) * inverse);
        *fraction = f <= 0.0F ? 0.0F : f - std::floor(f);
    } else {
        const auto f = static_cast<float>((i + 0.5) * scale - 0.5);
        *first = static_cast<int>(std::floor(f));
        *fraction = f - static_cast<float>(*first);
    }
}

// Horizontal interpolation of one source row, to 1 / 128 (11 fractional bits, 4 dropped).
void interpolate_row(const std::uint8_t* row, const Tap* taps, int count, std::int16_t* out) {
    for (int x = 0; x < count; ++x) {
        const std::uint8_t* p0 = row + taps[x].offset0;
        const std::uint8_t* p1 = row + taps[x].offset1;
        const int w0 = taps[x].weight0;
        const int w1 = taps[x].weight1;
        for (int c = 0; c < kChannels; ++c) {
            out[x * kChannels + c] = static_cast<std::int16_t>((w0 * p0[c] + w1 * p1[c]) >> 4);
        }
    }
}

Status resize_linear(const SelectedView& image, ResizeScale scale, bool area,
                     const Allocator& allocator, Image* out) {
    const int values = out->width * kChannels;
    Buffer<Tap> taps(allocator);
    Buffer<std::int16_t> rows(allocator);
    if (!taps.allocate(static_cast<std::size_t>(out->width)) ||
        !rows.allocate(std::size_t{2} * values)) {
        return Status::kOutOfMemory;
    }
    for (int x = 0; x < out->width; ++x) {
        int first;
        float fraction;
        linear_position(x, scale.x, area, &first, &fraction);
        if (first < 0 || first >= image.width - 1) fraction = 0.0F;
        first = std::clamp(first, 0, image.width - 1);
        taps[x].offset0 = image.offset(first);
        taps[x].offset1 = image.offset(std::min(first + 1, image.width - 1));
        taps[x].weight0 = coefficient(1.0F - fraction);
        taps[x].weight1 = coefficient(fraction);
    }
    // Consecutive output rows often share source rows: the last two interpolated ones are kept.
    std::int16_t* slot[2] = {rows.data(), rows.data() + values};
    int held[2] = {-1, -1};
    for (int y = 0; y < out->height; ++y) {
        int first;
        float fraction;
        linear_position(y, scale.y, area, &first, &fraction);
        const std::int32_t weight0 = coefficient(1.0F - fraction);
        const std::int32_t weight1 = coefficient(fraction);
        const int wanted[2] = {std::clamp(first, 0, image.height - 1),
                               std::clamp(first + 1, 0, image.height - 1)};
        if (held[1] == wanted[0]) {
            std::swap(slot[0], slot[1]);
            std::swap(held[0], held[1]);
        }
        for (int i = 0; i < 2; ++i) {
            if (held[i] == wanted[i]) continue;
            if (i == 1 && held[0] == wanted[1]) {
                std::memcpy(slot[1], slot[0], static_cast<std::size_t>(values) * sizeof(*slot[0]));
            } else {
                interpolate_row(image.row(wanted[i]), taps.data(), out->width, slot[i]);
            }
            held[i] = wanted[i];
        }
        const std::int16_t* h0 = slot[0];
        const std::int16_t* h1 = slot[1];
        std::uint8_t* o = out->row(y);
        for (int i = 0; i < values; ++i) {
            o[i] = static_cast<std::uint8_t>(
                (((weight0 * h0[i]) >> 16) + ((weight1 * h1[i]) >> 16) + 2) >> 2);
        }
    }
    return Status::kOk;
}

// Means over whole blocks of step_x by step_y pixels, as OpenCV's fast path sums them.
void resize_area_blocks(const SelectedView& image, int step_x, int step_y, Image* out) {
    const bool halves = step_x == 2 && step_y == 2;
    const float inverse = 1.0F / static_cast<float>(step_x * step_y);
    for (int y = 0; y < out->height; ++y) {
        std::uint8_t* o = out->row(y);
        for (int x = 0; x < out->width; ++x) {
            for (int c = 0; c < kChannels; ++c) {
                int sum = 0;
                for (int j = 0; j < step_y; ++j) {
                    const std::uint8_t* p = image.row(y * step_y + j) + c;
                    for (int i = 0; i < step_x; ++i) sum += p[image.offset(x * step_x + i)];
                }
                o[x * kChannels + c] = static_cast<std::uint8_t>(
                    halves ? (sum + 2) >> 2 : std::lrintf(static_cast<float>(sum) * inverse));
            }
        }
    }
}

// A share of one source position in one output position.
struct AreaShare {
    int out;
    int source;
    float weight;
};

// Writes the shares of one axis, ordered by output; at most source_size + 2 * out_size of them.
int area_shares(int source_size, int out_size, double scale, AreaShare* shares) {
    constexpr double kNegligible = 1e-3;
    int count = 0;
    for (int i = 0; i < out_size; ++i) {
        const double begin = i * scale;
        const double end = begin + scale;
        const double width = std::min(scale, source_size - begin);
        int first = static_cast<int>(std::ceil(begin));
        int last = static_cast<int>(std::floor(end));
        last = std::min(last, source_size - 1);
        first = std::min(first, last);
        if (first - begin > kNegligible) {
            shares[count++] = {i, first - 1, static_cast<float>((first - begin) / width)};
        }
        for (int s = first; s < last; ++s)
            shares[count++] = {i, s, static_cast<float>(1.0 / width)};
        if (end - last > kNegligible) {
            shares[count++] = {
                i, last, static_cast<float>(std::min(std::min(end - last, 1.0), width) / width)};
        }
    }
    return count;
}

void store_means(const float* sums, int count, std::uint8_t* out) {
    for (int i = 0; i < count; ++i) {
        out[i] = static_cast<std::uint8_t>(std::clamp(std::lrintf(sums[i]), 0L, 255L));
    }
}

Status resize_area(const SelectedView& image, ResizeScale scale, const Allocator& allocator,
                   Image* out) {
    const int values = out->width * kChannels;
    Buffer<AreaShare> shares_x(allocator);
    Buffer<AreaShare> shares_y(allocator);
    Buffer<float> sums(allocator);
    if (!shares_x.allocate(static_cast<std::size_t>(image.width) + std::size_t{2} * out->width) ||
        !shares_y.allocate(static_cast<std::size_t>(image.height) + std::size_t{2} * out->height) ||
        !sums.allocate(std::size_t{2} * values)) {
        return Status::kOutOfMemory;
    }
    const int count_x = area_shares(image.width, out->width, scale.x, shares_x.data());
    const int count_y = area_shares(image.height, out->height, scale.y, shares_y.data());
    float* row = sums.data();
    float* total = row + values;
    int current = -1;
    for (int j = 0; j < count_y; ++j) {
        std::fill(row, row + values, 0.0F);
        const std::uint8_t* source = image.row(shares_y[j].source);
        for (int i = 0; i < count_x; ++i) {
            const std::uint8_t* p = source + image.offset(shares_x[i].source);
            float* q = row + static_cast<std::ptrdiff_t>(shares_x[i].out) * kChannels;
            for (int c = 0; c < kChannels; ++c) q[c] += p[c] * shares_x[i].weight;
        }
        const float weight = shares_y[j].weight;
        if (shares_y[j].out != current) {
            if (current >= 0) store_means(total, values, out->row(current));
            for (int i = 0; i < values; ++i) total[i] = weight * row[i];
            current = shares_y[j].out;
        } else {
            for (int i = 0; i < values; ++i) total[i] += weight * row[i];
        }
    }
    if (current >= 0) store_means(total, values, out->row(current));
    return Status::kOk;
}

bool is_whole(double scale, int* whole) {
    *whole = static_cast<int>(std::lrint(scale));
    return std::abs(scale - *whole) < DBL_EPSILON;
}

}  // namespace

ResizeScale resize_scale(const SelectedView& image, int width, int height) {
    return {1.0 / (static_cast<double>(width) / image.width),
            1.0 / (static_cast<double>(height) / image.height)};
}

Status resize(const SelectedView& image, int width, int height, ResizeScale scale,
              ResizeMethod method, const Allocator& allocator, Image* out) {
    if (image.width < 1 || image.height < 1 || width < 1 || height < 1) {
        return Status::kInvalidArgument;
    }
    if (!out->allocate(width, height)) return Status::kOutOfMemory;
    if (width == image.width && height == image.height) {
        copy_selected(image, out->pixels.data(), std::ptrdiff_t{kChannels} * width);
        return Status::kOk;
    }
    int step_x;
    int step_y;
    const bool whole = is_whole(scale.x, &step_x) && is_whole(scale.y, &step_y);
    const bool blocks_fit = whole && step_x >= 1 && step_y >= 1 && width <= image.width / step_x &&
                            height <= image.height / step_y;
    if (method == ResizeMethod::kLinear) {
        // OpenCV takes the mean of 2 x 2 for an exact half.
        if (blocks_fit && step_x == 2 && step_y == 2) {
            resize_area_blocks(image, 2, 2, out);
            return Status::kOk;
        }
        return resize_linear(image, scale, false, allocator, out);
    }
    if (scale.x >= 1.0 && scale.y >= 1.0) {
        if (blocks_fit) {
            resize_area_blocks(image, step_x, step_y, out);
            return Status::kOk;
        }
        return resize_area(image, scale, allocator, out);
    }
    return resize_linear(image, scale, true, allocator, out);
}

}  // namespace fovea::preprocess
