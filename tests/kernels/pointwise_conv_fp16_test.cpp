// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_convolution_check.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace {

const fovea::test::ComparesTable compares_pointwise_conv_fp16(fovea::ops::kPointwiseConvFp16);

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::Half;

struct PointwiseCase {
    int pixels;
    int in;
    int out;
    Activation activation = Activation::kNone;
    Fill fill = Fill::kUniform;
    int offset = 0;
    int padding = 0;
    int residual = 0;  // 1: apart; 2: in the output
    int nan_pixel = -1;
};

void check_pointwise(Checker& checker, const PointwiseCase& c) {
    checker.shape(
        "pixels=%d in=%d out=%d activation=%d fill=%s offset=%d padding=%d residual=%d nan=%d",
        c.pixels, c.in, c.out, static_cast<int>(c.activation), name_of(c.fill), c.offset, c.padding,
        c.residual, c.nan_pixel);
    Random random = checker.random();
    const int panels = (c.out + 7) / 8;
    const int input_stride = c.in + c.padding;
    const int output_stride = c.out + c.padding;
    const auto slack = static_cast<std::size_t>(c.offset);
    HalfArray input(static_cast<std::size_t>((c.pixels - 1) * input_stride + c.in), slack, random,
                    c.fill);
    HalfArray residual(static_cast<std::size_t>((c.pixels - 1) * output_stride + c.out), slack,
                       random, c.fill);
    HalfArray weights(static_cast<std::size_t>(panels * c.in) * 8, 0, random, c.fill);
    HalfArray bias(static_cast<std::size_t>(panels) * 8, 0, random, c.fill);
    for (int o = c.out; o < panels * 8; ++o) {
        bias.floats[static_cast<std::size_t>(o)] = 0.0f;
        for (int i = 0; i < c.in; ++i) {
            weights.floats[static_cast<std::size_t>(((o / 8) * c.in + i) * 8 + o % 8)] = 0.0f;
        }
    }
    if (c.nan_pixel >= 0) input.floats[static_cast<std::size_t>(c.nan_pixel * input_stride)] = NAN;
    for (HalfArray* array : {&input, &residual, &weights, &bias}) {
        array->set();
        array->halves.make_read_only();
    }
    const auto pixels = static_cast<std::size_t>(c.pixels);
    const auto out = static_cast<std::size_t>(c.out);
    const auto by_floats = [&](auto HalfArray::*values, const float* addend) {
        std::vector<float> output(pixels * out);
        fovea::ops::pointwise_conv_fp32_scalar({.input = (input.*values).data(),
                                                .input_stride = input_stride,
                                                .output = output.data(),
                                                .output_stride = c.out,
                                                .residual = addend,
                                                .residual_stride = output_stride,
                                                .weights = (weights.*values).data(),
                                                .bias = (bias.*values).data(),
                                                .pixels = pixels,
                                                .in_channels = c.in,
                                                .out_channels = c.out,
                                                .activation = Activation::kNone});
        return output;
    };
    std::vector<float> added;  // the residual without what lies between its rows
    for (std::size_t i = 0; c.residual != 0 && i < pixels * out; ++i) {
        added.push_back(
            residual.floats[i / out * static_cast<std::size_t>(output_stride) + i % out]);
    }
    const auto compute = [&](fovea::ops::PointwiseConvFp16Function function, HalfRows& output,
                             std::size_t first, std::size_t count) {
        Half* const target = output.data() + first * output.stride();
        const auto skipped = static_cast<std::ptrdiff_t>(first);
        if (c.residual == 2) {
            for (std::size_t p = 0; p < count; ++p) {
                std::copy_n(residual.halves.data() + (first + p) * output.stride(), out,
                            target + p * output.stride());
            }
        }
        function({.input = input.halves.data() + skipped * input_stride,
                  .input_stride = input_stride,
                  .output = target,
                  .output_stride = output_stride,
                  .residual = c.residual == 0   ? nullptr
                              : c.residual == 1 ? residual.halves.data() + skipped * output_stride
                                                : target,
                  .residual_stride = output_stride,
                  .weights = weights.halves.data(),
                  .bias = bias.halves.data(),
                  .pixels = count,
                  .in_channels = c.in,
                  .out_channels = c.out,
                  .activation = c.activation});
    };
    compare_kernels(
        checker, fovea::ops::kPointwiseConvFp16, pixels, out,
        static_cast<std::size_t>(output_stride), slack, c.activation,
        by_floats(&HalfArray::floats, nullptr), added,
        by_floats(&HalfArray::magnitudes, c.residual == 0 ? nullptr : residual.magnitudes.data()),
        at_once(c.in) + blocks_of(c.in) + 2, pixels, compute);
}

}  // namespace

TEST_CASE("pointwise_conv of halves: every size around a tile") {
    Checker checker;
    int turn = 0;
    for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 26, 32}) {
        for (const int out : {1, 7, 8, 9, 15, 16, 17, 24, 31, 50}) {
            for (const int in : {1, 3, 7, 8, 9, 16, 24, 26, 32, 40}) {
                PointwiseCase c{pixels, in, out};
                c.activation = kFusableActivations[turn % 5];
                c.fill = kAllFills[turn / 5 % 3];
                c.offset = turn % 2;
                c.padding = turn / 2 % 2 * 5;
                c.residual = turn / 3 % 3;
                ++turn;
                check_pointwise(checker, c);
            }
        }
    }
}

TEST_CASE("pointwise_conv of halves: blocks of terms") {
    Checker checker;
    for (const int in : {127, 128, 129, 136, 144, 256, 257, 400, 960}) {
        for (const int residual : {0, 1, 2}) {
            for (const int out : {5, 16, 43}) {
                PointwiseCase c{27, in, out, Activation::kHardSwish};
                c.residual = residual;
                c.padding = residual;
                check_pointwise(checker, c);
            }
        }
    }
}

TEST_CASE("pointwise_conv of halves: a NaN stays in its pixel") {
    Checker checker;
    for (const auto activation : kFusableActivations) {
        for (const int nan_pixel : {0, 5, 13}) {
            PointwiseCase c{14, 150, 29, activation};
            c.nan_pixel = nan_pixel;
            check_pointwise(checker, c);
        }
    }
}
