// SPDX-License-Identifier: Apache-2.0
#include "preprocess/thumbnail.h"

#include <algorithm>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kVerticalBits = 8;
constexpr int kHorizontalBits = 12;

// Where output pixel `index` begins in the source, in units of 1 / output of a source pixel.
std::int64_t area_begin(int index, int source) {
    return std::int64_t{index} * source;
}

// Source pixel `position`'s weight in output pixel `index`, cumulated from the left edge of that
// output pixel: differences of these round in such a way that they always add up to 1 << bits.
std::int64_t cumulated_weight(std::int64_t position, int index, int source, int output, int bits) {
    const std::int64_t covered =
        std::clamp<std::int64_t>(position * output - area_begin(index, source), 0, source);
    return ((covered << bits) + source / 2) / source;
}

struct Span {
    int first, last;  // inclusive
};

Span source_span(int index, int source, int output) {
    const std::int64_t begin = area_begin(index, source), end = area_begin(index + 1, source);
    return {static_cast<int>(begin / output), static_cast<int>((end - 1) / output)};
}

void add_row(const std::uint8_t* __restrict row, std::size_t count, std::uint16_t weight,
             std::uint16_t* __restrict sums) {
    for (std::size_t i = 0; i < count; ++i) {
        sums[i] = static_cast<std::uint16_t>(sums[i] + row[i] * weight);
    }
}

}  // namespace

Status make_thumbnail(const ImageView& source, int longest_side, const Allocator& allocator,
                      Image* thumbnail) {
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
    std::size_t weight_count = 0;
    for (int x = 0; x < width; ++x) {
        const Span span = source_span(x, source.width, width);
        spans[static_cast<std::size_t>(x)] = span;
        std::int64_t before = 0;
        for (int column = span.first; column <= span.last; ++column) {
            const std::int64_t after =
                cumulated_weight(column + std::int64_t{1}, x, source.width, width, kHorizontalBits);
            weights[weight_count++] = static_cast<std::uint16_t>(after - before);
            before = after;
        }
    }

    for (int y = 0; y < height; ++y) {
        std::memset(sums.data(), 0, row_bytes * sizeof(std::uint16_t));
        const Span span = source_span(y, source.height, height);
        std::int64_t before = 0;
        for (int row = span.first; row <= span.last; ++row) {
            const std::int64_t after =
                cumulated_weight(row + std::int64_t{1}, y, source.height, height, kVerticalBits);
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
