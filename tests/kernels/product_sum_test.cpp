// SPDX-License-Identifier: Apache-2.0
#include "ops/product_sum/product_sum.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernel_check.h"

namespace {

using namespace fovea::test;
using fovea::ops::ProductSumOverChannelsArgs;
using fovea::ops::ProductSumOverPixelsArgs;

const ComparesTable compares_over_pixels(fovea::ops::kProductSumOverPixelsFp32);
const ComparesTable compares_over_channels(fovea::ops::kProductSumOverChannelsFp32);

struct Case {
    int pixels, channels;
    bool with_right;
    Fill fill;
    int offset, padding;
};

// Both kinds of sum of the same two maps.
void check(Checker& checker, const Case& c) {
    checker.shape("pixels=%d channels=%d right=%d fill=%s offset=%d padding=%d", c.pixels, c.channels, c.with_right,
                  name_of(c.fill), c.offset, c.padding);
    const auto size = [](int value) { return static_cast<std::size_t>(value); };
    const int stride = c.channels + c.padding;
    Random random = checker.random();
    GuardedArray<float> left(size((c.pixels - 1) * stride + c.channels), size(c.offset));
    GuardedArray<float> right(left.size(), size(c.offset));
    random.fill(left.data(), left.size(), c.fill);
    // A product of two huge numbers is infinite.
    random.fill(right.data(), right.size(), c.fill == Fill::kExtreme ? Fill::kUniform : c.fill);
    left.make_read_only();
    right.make_read_only();
    std::vector<Expected> of_channels(size(c.channels)), of_pixels(size(c.pixels));
    for (int p = 0; p < c.pixels; ++p) {
        for (int k = 0; k < c.channels; ++k) {
            const double factor = c.with_right ? static_cast<double>(right[size(p * stride + k)]) : 1.0;
            const double value = static_cast<double>(left[size(p * stride + k)]) * factor;
            for (Expected* sum : {&of_channels[size(k)], &of_pixels[size(p)]}) {
                sum->value += value;
                sum->magnitude += std::fabs(value);
            }
        }
    }
    const float* const other = c.with_right ? right.data() : nullptr;
    ProductSumOverPixelsArgs over_pixels = {left.data(), stride, other, stride, nullptr, size(c.pixels), c.channels};
    std::vector<float> scalar(size(c.channels));
    over_pixels.output = scalar.data();
    fovea::ops::product_sum_over_pixels_fp32_scalar(over_pixels);
    for (const auto& kernel : runnable_variants(fovea::ops::kProductSumOverPixelsFp32)) {
        OutputRows output(1, size(c.channels), size(c.channels), size(c.offset));
        over_pixels.output = output.data();
        if (!checker.run(kernel.name, [&] { kernel.function(over_pixels); })) continue;
        checker.compare(output, of_channels, size(c.pixels + 1));
        checker.compare_equal(output, scalar.data(), c.channels);
    }
    const int output_stride = 1 + c.padding;
    ProductSumOverChannelsArgs over_channels = {left.data(), stride, other, stride, nullptr, output_stride, size(c.pixels), c.channels};
    std::vector<float> column(size(c.pixels * output_stride));
    over_channels.output = column.data();
    fovea::ops::product_sum_over_channels_fp32_scalar(over_channels);
    for (const auto& kernel : runnable_variants(fovea::ops::kProductSumOverChannelsFp32)) {
        OutputRows output(size(c.pixels), 1, size(output_stride), size(c.offset));
        over_channels.output = output.data();
        if (!checker.run(kernel.name, [&] { kernel.function(over_channels); })) continue;
        checker.compare(output, of_pixels, size(c.channels + 1));
        checker.compare_equal(output, column.data(), output_stride);
    }
}

}  // namespace

TEST_CASE("product sum: pixels and channels around a register, one map or two, in rows with gaps") {
    Checker checker;
    int turn = 0;
    for (const int pixels : {1, 2, 3, 64, 300}) {
        for (const int channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 35, 72, 120, 960}) {
            check(checker, {pixels, channels, turn % 3 != 0, kAllFills[turn % 3], turn % 2, turn / 2 % 2 * 3});
            ++turn;
        }
    }
}
