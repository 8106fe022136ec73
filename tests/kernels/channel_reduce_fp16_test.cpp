// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_map_check.h"
#include "ops/channel_reduce/channel_reduce.h"

namespace {

const fovea::test::ComparesTable compares_channel_reduce_fp16(fovea::ops::kChannelReduceFp16);

using namespace fovea::test;
using fovea::ops::PoolKind;

}  // namespace

TEST_CASE("channel_reduce of halves: pixels, channels, strides") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for (const int pixels : {1, 3, 4, 5, 13}) {
            for (const int channels : kHalfChannels) {
                const int stride = channels + turn % 3;
                const bool has_nan = turn % 5 == 0;
                const Fill fill = kAllFills[turn++ % 3];
                checker.shape("kind=%d pixels=%d channels=%d stride=%d nan=%d fill=%s",
                              static_cast<int>(kind), pixels, channels, stride, has_nan,
                              name_of(fill));
                Random random = checker.random();
                HalfArray input(static_cast<std::size_t>((pixels - 1) * stride + channels),
                                turn % 2, random, fill);
                if (has_nan)
                    input.floats[static_cast<std::size_t>(pixels / 2 * stride + channels - 1)] =
                        NAN;
                input.set();
                input.halves.make_read_only();
                const auto run = [&](auto function, const auto* values, auto* output,
                                     std::size_t output_stride) {
                    function({.input = values,
                              .input_stride = stride,
                              .output = output,
                              .output_stride = static_cast<std::ptrdiff_t>(output_stride),
                              .pixels = static_cast<std::size_t>(pixels),
                              .channels = channels,
                              .kind = kind});
                };
                std::vector<float> expected(static_cast<std::size_t>(pixels));
                run(fovea::ops::channel_reduce_fp32_scalar, input.floats.data(), expected.data(),
                    1);
                compare_kernels(checker, fovea::ops::kChannelReduceFp16, expected.size(), 1,
                                turn % 2 == 0 ? 2 : 0, static_cast<std::size_t>(turn % 2), expected,
                                [&](auto function, HalfRows& output) {
                                    run(function, input.halves.data(), output.data(),
                                        output.stride());
                                });
            }
        }
    }
}
