// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_convolution_check.h"
#include "ops/depthwise_conv/depthwise_conv.h"

namespace {

const fovea::test::ComparesTable compares_depthwise_conv_fp16(fovea::ops::kDepthwiseConvFp16);

using namespace fovea::test;

void check_depthwise(Checker& checker, const WindowCase& c) {
    if (c.width + c.pad_left + c.pad_right <= (c.kernel - 1) * c.dilation) return;
    const Window window(checker, "depthwise", c);
    Random random = checker.random();
    const std::size_t padded = static_cast<std::size_t>((c.in + 7) / 8 * 8);
    const auto taps = static_cast<std::size_t>(c.kernel * c.kernel);
    HalfArray weights(taps * padded, 0, random, c.fill);
    HalfArray bias(padded, 0, random, c.fill);
    weights.halves.make_read_only();
    bias.halves.make_read_only();
    compare_window_kernels(checker, fovea::ops::kDepthwiseConvFp16, fovea::ops::depthwise_conv_fp32_scalar, c, window, weights, bias,
                           taps + 1, [&](auto& args) { args.channels = c.in; });
}

}  // namespace

TEST_CASE("depthwise_conv of halves: tiles, the rest, padding") {
    Checker checker;
    int turn = 0;
    for (const int kernel : {1, 2, 3, 5, 7}) {
        for (const int stride : {1, 2}) {
            for (const int width : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17, 18, 33}) {
                for (const int channels : {1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 40, 49, 56, 72}) {
                    WindowCase c{width, channels, channels, kernel};
                    c.stride = stride;
                    c.pad_left = turn % 4 == 0 ? 0 : kernel / 2;
                    c.pad_right = turn % 5 == 0 ? kernel : (kernel - 1) / 2;
                    c.null_rows = turn % 7 == 0 ? 1u : turn % 7 == 1 ? 1u << (kernel - 1) : 0;
                    c.activation = kFusableActivations[turn % 5];
                    c.fill = kAllFills[turn / 5 % 3];
                    c.offset = turn % 2;
                    c.padding = turn / 2 % 2 * 3;
                    if (turn % 11 == 0) c.dilation = 2;
                    ++turn;
                    check_depthwise(checker, c);
                }
            }
        }
    }
}
