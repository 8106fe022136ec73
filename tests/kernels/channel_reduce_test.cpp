// SPDX-License-Identifier: Apache-2.0
#include "ops/channel_reduce/channel_reduce.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compare_variants.h"
#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_channel_reduce_fp32(fovea::ops::kChannelReduceFp32);

using namespace fovea::test;
using fovea::ops::ChannelReduceFp32Args;
using fovea::ops::PoolKind;

void check(Checker& checker, int pixels, int channels, PoolKind kind, Fill fill, int offset,
           int padding, int output_stride) {
    checker.shape("pixels=%d channels=%d kind=%d fill=%s offset=%d padding=%d output_stride=%d",
                  pixels, channels, static_cast<int>(kind), name_of(fill), offset, padding,
                  output_stride);
    const int stride = channels + padding;
    Random random = checker.random();
    GuardedArray<float> input(static_cast<std::size_t>((pixels - 1) * stride + channels),
                              static_cast<std::size_t>(offset));
    random.fill(input.data(), input.size(), fill);
    input.make_read_only();
    std::vector<Expected> expected;
    for (int p = 0; p < pixels; ++p) {
        double maximum = -std::numeric_limits<double>::infinity();
        Expected mean;
        for (int c = 0; c < channels; ++c) {
            const double value = input[static_cast<std::size_t>(p * stride + c)];
            maximum = std::max(maximum, value);
            mean.value += value / channels;
            mean.magnitude += std::fabs(value) / channels;
        }
        expected.push_back(kind == PoolKind::kMax ? Expected{maximum, 0.0} : mean);
    }
    ChannelReduceFp32Args args = {};
    args.input = input.data();
    args.input_stride = stride;
    args.output_stride = output_stride;
    args.pixels = static_cast<std::size_t>(pixels);
    args.channels = channels;
    args.kind = kind;
    const auto size = [](int value) { return static_cast<std::size_t>(value); };
    compare_variants(checker, fovea::ops::kChannelReduceFp32, args, {size(pixels), 1, size(output_stride), size(offset)}, expected,
                     size(channels / 8 + 5));
}

}  // namespace

TEST_CASE("channel_reduce: every pixel and channel count around a tile") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for (const int pixels : sizes_around(4)) {
            for (const int channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 26, 96, 576, 960}) {
                check(checker, pixels, channels, kind, kAllFills[turn % 3], turn % 2,
                      turn / 2 % 2 * 3, 1 + turn % 2);
                ++turn;
            }
        }
    }
}

TEST_CASE("channel_reduce: a NaN gives NaN, wherever it is") {
    Checker checker;
    constexpr std::size_t kPixels = 19, kChannels = 19;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        checker.shape("kind=%d", static_cast<int>(kind));
        // Pixel p has it in channel p; the last pixel has none.
        std::vector<float> input(kPixels * kChannels, 1.0f);
        for (std::size_t p = 0; p + 1 < kPixels; ++p) input[p * kChannels + p] = std::nanf("");
        for (const auto& kernel : runnable_variants(fovea::ops::kChannelReduceFp32)) {
            OutputRows output(kPixels, 1, 1);
            const ChannelReduceFp32Args args = {input.data(), kChannels, output.data(), 1,
                                                kPixels,      kChannels, kind};
            if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
            for (std::size_t p = 0; p < kPixels; ++p) {
                checker.compare_value(p, std::isnan(output.at(p, 0)), p + 1 < kPixels);
            }
        }
    }
}
