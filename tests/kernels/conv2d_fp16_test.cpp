// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_convolution_check.h"
#include "ops/conv2d/conv2d.h"

namespace {

const fovea::test::ComparesTable compares_conv2d_fp16(fovea::ops::kConv2dFp16);

using namespace fovea::test;

void check_conv2d(Checker& checker, const WindowCase& c) {
    if (c.width + c.pad_left + c.pad_right <= (c.kernel - 1) * c.dilation) return;
    const Window window(checker, "conv2d", c);
    Random random = checker.random();
    const int in_group = c.in / c.groups;
    const int out_group = c.out / c.groups;
    const int panels = (out_group + 7) / 8;
    const int taps = c.kernel * c.kernel;
    HalfArray weights(static_cast<std::size_t>(c.groups * panels * taps * in_group) * 8, 0, random,
                      c.fill);
    HalfArray bias(static_cast<std::size_t>(c.groups * panels) * 8, 0, random, c.fill);
    for (std::size_t i = 0; i < weights.floats.size(); ++i) {
        const int panel = static_cast<int>(i / 8) / (taps * in_group) % panels;
        if (panel * 8 + static_cast<int>(i % 8) >= out_group) weights.floats[i] = 0.0f;
    }
    weights.set();
    weights.halves.make_read_only();
    bias.halves.make_read_only();
    const std::size_t blocks = static_cast<std::size_t>(taps) * blocks_of(in_group);
    compare_window_kernels(checker, fovea::ops::kConv2dFp16, fovea::ops::conv2d_fp32_scalar, c, window, weights, bias,
                           at_once(taps * in_group) + blocks + 1, [&](auto& args) {
                               args.in_channels = c.in;
                               args.out_channels = c.out;
                               args.groups = c.groups;
                           });
}

}  // namespace

TEST_CASE("conv2d of halves: kernels, strides, groups, padding") {
    Checker checker;
    int turn = 0;
    for (const int kernel : {1, 2, 3, 5, 7}) {
        for (const int stride : {1, 2, 3}) {
            for (const int width : {1, 5, 9, 23}) {
                for (const int in : {1, 2, 3, 8, 20}) {
                    WindowCase c{width, in, turn % 3 == 0 ? 16 : turn % 3 == 1 ? 8 : 27, kernel};
                    c.stride = stride;
                    c.pad_left = turn % 4 == 0 ? 0 : kernel / 2;
                    c.pad_right = turn % 5 == 0 ? kernel : (kernel - 1) / 2;
                    c.null_rows = turn % 7 == 0 ? 1u << (kernel - 1) : 0;
                    c.activation = kFusableActivations[turn % 5];
                    c.offset = turn % 2;
                    c.padding = turn / 2 % 2 * 3;
                    ++turn;
                    check_conv2d(checker, c);
                    c.dilation = 2;
                    check_conv2d(checker, c);
                }
            }
        }
    }
    for (const int groups : {2, 3}) {
        WindowCase c{10, 12, 30, 3};
        c.groups = groups;
        c.pad_left = c.pad_right = 1;
        check_conv2d(checker, c);
    }
}

TEST_CASE("conv2d of halves: blocks of terms") {
    Checker checker;
    for (const int kernel : {1, 3}) {
        for (const int in : {40, 43, 130, 300}) {
            WindowCase c{12, in, 21, kernel};
            c.pad_left = c.pad_right = kernel / 2;
            check_conv2d(checker, c);
            c.null_rows = 1;
            if (kernel > 1) check_conv2d(checker, c);
        }
    }
}
