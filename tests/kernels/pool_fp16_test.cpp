// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_map_check.h"
#include "ops/pool/pool.h"

namespace {

const fovea::test::ComparesTable compares_pool_fp16(fovea::ops::kPoolFp16);
const fovea::test::ComparesTable compares_global_pool_fp16_to_fp32(fovea::ops::kGlobalPoolFp16ToFp32);

using namespace fovea::test;
using fovea::ops::Half;
using fovea::ops::PoolKind;

}  // namespace

TEST_CASE("pool of halves: windows, strides, padding, channels") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for (const int window : {1, 2, 3}) {
            for (const int channels : kHalfChannels) {
                const int width = 7, stride = 1 + turn % 2, pad = turn / 2 % 2;
                const int padding = turn / 3 % 2 * 5;
                const int output_width = (width + 2 * pad - window) / stride + 1;
                const auto slack = static_cast<std::size_t>(turn % 2);
                const bool count_padding = turn / 5 % 2 != 0;
                const bool first_is_null = turn % 7 == 0;
                const Fill fill = kAllFills[turn++ % 3];
                checker.shape(
                    "kind=%d window=%d channels=%d stride=%d pad=%d padding=%d slack=%zu count=%d "
                    "null=%d fill=%s",
                    static_cast<int>(kind), window, channels, stride, pad, padding, slack,
                    count_padding, first_is_null, name_of(fill));
                Random random = checker.random();
                std::vector<std::unique_ptr<HalfArray>> rows;
                std::vector<const Half*> halves;
                std::vector<const float*> floats;
                for (int a = 0; a < window; ++a) {
                    const auto size =
                        static_cast<std::size_t>((width - 1) * (channels + padding) + channels);
                    rows.push_back(std::make_unique<HalfArray>(size, slack, random, fill));
                    rows.back()->halves.make_read_only();
                    const bool is_null = a == 0 && first_is_null;
                    halves.push_back(is_null ? nullptr : rows.back()->halves.data());
                    floats.push_back(is_null ? nullptr : rows.back()->floats.data());
                }
                const auto run = [&](auto function, const auto& inputs, auto* output,
                                     std::size_t output_stride) {
                    function({.rows = inputs.data(),
                              .input_stride = channels + padding,
                              .output = output,
                              .output_stride = static_cast<std::ptrdiff_t>(output_stride),
                              .input_width = width,
                              .output_width = output_width,
                              .channels = channels,
                              .window_height = window,
                              .window_width = window,
                              .stride_x = stride,
                              .pad_left = pad,
                              .kind = kind,
                              .count_padding = count_padding});
                };
                const auto c = static_cast<std::size_t>(channels);
                std::vector<float> expected(static_cast<std::size_t>(output_width) * c);
                run(fovea::ops::pool_fp32_scalar, floats, expected.data(), c);
                compare_kernels(checker, fovea::ops::kPoolFp16,
                                static_cast<std::size_t>(output_width), c,
                                static_cast<std::size_t>(padding), slack, expected,
                                [&](auto function, HalfRows& output) {
                                    run(function, halves, output.data(), output.stride());
                                });
            }
        }
    }
}

TEST_CASE("global_pool of halves: the float32 result of the same values") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for (const int pixels : {1, 7, 8, 9, 63, 520}) {
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
                if (has_nan) input.floats[static_cast<std::size_t>(pixels / 2 * stride)] = NAN;
                input.set();
                input.halves.make_read_only();
                const auto run = [&](auto function, const auto* values, float* output, int begin,
                                     int end) {
                    function({.input = values,
                              .input_stride = stride,
                              .output = output,
                              .pixels = static_cast<std::size_t>(pixels),
                              .channel_begin = begin,
                              .channel_end = end,
                              .kind = kind});
                };
                const auto c = static_cast<std::size_t>(channels);
                std::vector<float> expected(c);
                run(fovea::ops::global_pool_fp32_scalar, input.floats.data(), expected.data(), 0,
                    channels);
                for (const auto& kernel : runnable_variants(fovea::ops::kGlobalPoolFp16ToFp32)) {
                    OutputRows output(1, c, c, static_cast<std::size_t>(turn % 2));
                    const int middle = channels / 2;
                    if (!checker.run(kernel.name, [&] {
                            run(kernel.function, input.halves.data(), output.data(), 0, middle);
                            run(kernel.function, input.halves.data(), output.data(), middle,
                                channels);
                        })) {
                        continue;
                    }
                    checker.compare_equal(output, expected.data(), channels);
                }
            }
        }
    }
}
