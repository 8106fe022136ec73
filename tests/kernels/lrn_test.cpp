// SPDX-License-Identifier: Apache-2.0
#include "ops/lrn/lrn.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "compare_variants.h"
#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_lrn_fp32(fovea::ops::kLrnFp32);

using namespace fovea::test;
using fovea::ops::LrnFp32Args;

void check(Checker& checker, int pixels, int channels, int radius, float beta, Fill fill, int offset, int padding) {
    checker.shape("pixels=%d channels=%d radius=%d beta=%g fill=%s offset=%d padding=%d", pixels, channels, radius,
                  static_cast<double>(beta), name_of(fill), offset, padding);
    const int stride = channels + padding;
    constexpr float kBias = 1.25f, kAlpha = 0.3f;
    Random random = checker.random();
    GuardedArray<float> input(static_cast<std::size_t>((pixels - 1) * stride + channels),
                              static_cast<std::size_t>(offset));
    // Squares of the huge numbers of kExtreme would be infinite.
    random.fill(input.data(), input.size(), fill == Fill::kExtreme ? Fill::kNearZero : fill);
    input.make_read_only();
    std::vector<Expected> expected;
    for (int p = 0; p < pixels; ++p) {
        const float* const at = input.data() + p * stride;
        for (int c = 0; c < channels; ++c) {
            double sum = 0;
            for (int k = std::max(c - radius, 0); k <= std::min(c + radius, channels - 1); ++k) {
                sum += static_cast<double>(at[k]) * at[k];
            }
            const double power = std::pow(static_cast<double>(kBias) + static_cast<double>(kAlpha) * sum,
                                          static_cast<double>(beta));
            expected.push_back({at[c] / power, std::fabs(at[c]) / power});
        }
    }
    LrnFp32Args args = {};
    args.input = input.data();
    args.input_stride = stride;
    args.output_stride = stride;
    args.pixels = static_cast<std::size_t>(pixels);
    args.channels = channels;
    args.radius = radius;
    args.bias = kBias;
    args.alpha = kAlpha;
    args.beta = beta;
    const auto size = [](int value) { return static_cast<std::size_t>(value); };
    // Each of the 2 radius + 1 squares and their sums, and the power's few roundings.
    compare_variants(checker, fovea::ops::kLrnFp32, args, {size(pixels), size(channels), size(stride), size(offset)}, expected,
                     size(2 * radius + 9));
}

}  // namespace

TEST_CASE("lrn: pixels, channels around a register, radii up to more than there are channels, every power") {
    Checker checker;
    int turn = 0;
    for (const int pixels : {1, 2, 5}) {
        for (const int channels : {1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 96, 256}) {
            for (const int radius : {0, 1, 2, 5, 300}) {
                for (const float beta : {0.75f, 0.5f, 1.0f, 0.0f, 0.6f}) {
                    check(checker, pixels, channels, radius, beta, kAllFills[turn % 3], turn % 2, turn / 2 % 2 * 3);
                    ++turn;
                }
            }
        }
    }
}

TEST_CASE("lrn: a NaN gives NaN to the channels whose window it lies in, and to no other") {
    Checker checker;
    constexpr int kChannels = 41, kRadius = 2;
    for (int bad = 0; bad < kChannels; ++bad) {
        checker.shape("bad=%d", bad);
        std::vector<float> input(kChannels, 1.0f);
        input[static_cast<std::size_t>(bad)] = std::nanf("");
        for (const auto& kernel : runnable_variants(fovea::ops::kLrnFp32)) {
            OutputRows output(1, kChannels, kChannels);
            const LrnFp32Args args = {input.data(), kChannels, output.data(), kChannels, 1, kChannels,
                                      kRadius,      1.0f,      1.0f,          0.75f};
            if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
            for (int c = 0; c < kChannels; ++c) {
                checker.compare_value(static_cast<std::uint64_t>(c), std::isnan(output.at(0, static_cast<std::size_t>(c))),
                                      std::abs(c - bad) <= kRadius);
            }
        }
    }
}
