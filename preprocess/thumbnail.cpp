// SPDX-License-Identifier: Apache-2.0
#include "preprocess/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kVerticalBits = 8;
constexpr int kHorizontalBits = 12;

// How a side is divided. Lengths are in units of 1 / output of a source pixel, so that an output pixel is `source` long; it is the mean
// of what lies `margin` within its ends.
struct Division {
    std::int64_t source;
    std::int64_t output;
    std::int64_t margin;

    std::int64_t begin(int index) const { return index * source + margin; }
    std::int64_t length() const { return source - 2 * margin; }

    // Source pixel `position`'s weight in output pixel `index`, cumulated from the left edge of that
    // output pixel: differences of these round in such a way that they always add up to 1 << bits.
    std::int64_t cumulated_weight(std::int64_t position, int index, int bits) const {
        const std::int64_t covered = std::clamp<std::int64_t>(position * output - begin(index), 0, length());
        return ((covered << bits) + length() / 2) / length();
    }
};

// A decoder that reduced the photo took means of its own, over a source pixel's length: what is left to be taken is shorter, so that
// both together spread as far as one mean of the photo would (the squares of lengths add up).
Division divide_side(int source, int output, bool is_reduced) {
    Division division{source, output, 0};
    if (is_reduced && source > output) {
        const double square = static_cast<double>(division.source * division.source - division.output * division.output);
        division.margin = (source - static_cast<std::int64_t>(std::sqrt(square))) / 2;
    }
    return division;
}

struct Span {
    int first, last;  // inclusive
};

Span source_span(const Division& division, int index) {
    const std::int64_t begin = division.begin(index), end = begin + division.length();
    return {static_cast<int>(begin / division.output), static_cast<int>((end - 1) / division.output)};
}

void add_row(const std::uint8_t* __restrict row, std::size_t count, std::uint16_t weight,
             std::uint16_t* __restrict sums) {
    for (std::size_t i = 0; i < count; ++i) {
        sums[i] = static_cast<std::uint16_t>(sums[i] + row[i] * weight);
    }
}

}  // namespace

Status make_thumbnail(const PhotoView& photo, int longest_side, const Allocator& allocator,
                      Image* thumbnail) {
    const ImageView& source = photo.image;
    if (source.pixels == nullptr || source.width < 1 || source.height < 1 || longest_side < 1) {
        return Status::kInvalidArgument;
    }
    const int longer = std::max(source.width, source.height);
    const auto shrunk = [&](int side) {
        if (longer <= longest_side) return side;
        const std::int64_t rounded = (std::int64_t{side} * longest_side + longer / 2) / longer;
        return static_cast<int>(std::max<std::int64_t>(rounded, 1));
    };
    const int width = shrunk(source.width), height = shrunk(source.height);
    *thumbnail = Image(allocator);
    if (!thumbnail->allocate(width, height)) return Status::kOutOfMemory;
    const std::size_t row_bytes = std::size_t{3} * static_cast<std::size_t>(source.width);
    if (width == source.width && height == source.height) {
        for (int y = 0; y < height; ++y) std::memcpy(thumbnail->row(y), source.row(y), row_bytes);
        return Status::kOk;
    }

    // 16 bits hold a column's sum: 255 << kVerticalBits.
    Buffer<std::uint16_t> sums(allocator);
    Buffer<std::uint16_t> weights(allocator);  // of source columns, span after span
    Buffer<Span> spans(allocator);
    // Neighbouring spans share at most one source column.
    if (!sums.allocate(row_bytes) || !spans.allocate(static_cast<std::size_t>(width)) ||
        !weights.allocate(static_cast<std::size_t>(source.width) +
                          static_cast<std::size_t>(width))) {
        return Status::kOutOfMemory;
    }
    const Division across = divide_side(source.width, width, photo.width > source.width);
    const Division down = divide_side(source.height, height, photo.height > source.height);
    std::size_t weight_count = 0;
    for (int x = 0; x < width; ++x) {
        const Span span = source_span(across, x);
        spans[static_cast<std::size_t>(x)] = span;
        std::int64_t before = 0;
        for (int column = span.first; column <= span.last; ++column) {
            const std::int64_t after =
                across.cumulated_weight(column + std::int64_t{1}, x, kHorizontalBits);
            weights[weight_count++] = static_cast<std::uint16_t>(after - before);
            before = after;
        }
    }

    for (int y = 0; y < height; ++y) {
        std::memset(sums.data(), 0, row_bytes * sizeof(std::uint16_t));
        const Span span = source_span(down, y);
        std::int64_t before = 0;
        for (int row = span.first; row <= span.last; ++row) {
            const std::int64_t after =
                down.cumulated_weight(row + std::int64_t{1}, y, kVerticalBits);
            const auto weight = static_cast<std::uint16_t>(after - before);
            if (weight != 0) add_row(source.row(row), row_bytes, weight, sums.data());
            before = after;
        }
        std::uint8_t* output = thumbnail->row(y);
        const std::uint16_t* weight = weights.data();
        for (int x = 0; x < width; ++x) {
            const Span columns = spans[static_cast<std::size_t>(x)];
            std::uint32_t sum[3] = {0, 0, 0};  // at most 255 << 20
            const std::uint16_t* value =
                sums.data() + std::size_t{3} * static_cast<std::size_t>(columns.first);
            for (int column = columns.first; column <= columns.last;
                 ++column, value += 3, ++weight) {
                for (int c = 0; c < 3; ++c) sum[c] += std::uint32_t{value[c]} * *weight;
            }
            constexpr int kBits = kVerticalBits + kHorizontalBits;
            for (int c = 0; c < 3; ++c) {
                output[3 * x + c] =
                    static_cast<std::uint8_t>((sum[c] + (1u << (kBits - 1))) >> kBits);
            }
        }
    }
    return Status::kOk;
}

}  // namespace fovea::preprocess
