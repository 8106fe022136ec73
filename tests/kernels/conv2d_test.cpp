// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "activation_oracle.h"
#include "ops/activation/fused_activation_scalar.h"
#include "ops/conv2d/conv2d.h"

namespace {

const fovea::test::ComparesTable compares_conv2d_fp32(fovea::ops::kConv2dFp32);

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::Conv2dFp32Args;

struct Case {
    int width = 1;  // of the input
    int in_channels = 1;
    int out_channels = 1;
    int groups = 1;
    int kernel_height = 1;
    int kernel_width = 1;
    int stride = 1;
    int dilation = 1;
    int pad_left = 0;
    int pad_right = 0;
    unsigned null_rows = 0;  // bit a: kernel row a lies in the padding
    Activation activation = Activation::kNone;
    Fill fill = Fill::kUniform;
    int offset = 0;
    int padding = 0;      // of every pixel: stride - channels
    int nan_column = -1;  // whose first input, in the first row, is a NaN
};

void check(Checker& checker, const Case& c) {
    const int reach = (c.kernel_width - 1) * c.dilation;
    const int output_width = (c.width + c.pad_left + c.pad_right - reach - 1) / c.stride + 1;
    if (c.width + c.pad_left + c.pad_right <= reach) return;
    checker.shape(
        "width=%d in=%d out=%d groups=%d kernel=%dx%d stride=%d dilation=%d pad=%d,%d null_rows=%x "
        "activation=%d fill=%s offset=%d padding=%d nan=%d",
        c.width, c.in_channels, c.out_channels, c.groups, c.kernel_height, c.kernel_width, c.stride,
        c.dilation, c.pad_left, c.pad_right, c.null_rows, static_cast<int>(c.activation),
        name_of(c.fill), c.offset, c.padding, c.nan_column);
    Random random = checker.random();
    const int in_group = c.in_channels / c.groups;
    const int out_group = c.out_channels / c.groups;
    const int panels = (out_group + 7) / 8;
    const int input_stride = c.in_channels + c.padding;
    const auto slack = static_cast<std::size_t>(c.offset);

    std::vector<std::unique_ptr<GuardedArray<float>>> row_data;
    std::vector<const float*> rows;
    for (int a = 0; a < c.kernel_height; ++a) {
        // A row ends with its last pixel's last channel: a read past it faults.
        const auto size = static_cast<std::size_t>((c.width - 1) * input_stride + c.in_channels);
        row_data.push_back(std::make_unique<GuardedArray<float>>(size, slack));
        random.fill(row_data.back()->data(), size, c.fill);
        if (a == 0 && c.nan_column >= 0) {
            (*row_data.back())[static_cast<std::size_t>(c.nan_column * input_stride)] = NAN;
        }
        row_data.back()->make_read_only();
        rows.push_back((c.null_rows >> a & 1) != 0 ? nullptr : row_data.back()->data());
    }
    const int taps = c.kernel_height * c.kernel_width;
    GuardedArray<float> weights(static_cast<std::size_t>(c.groups * panels * taps * in_group * 8));
    GuardedArray<float> bias(static_cast<std::size_t>(c.groups * panels * 8));
    random.fill(weights.data(), weights.size(), c.fill);
    random.fill(bias.data(), bias.size(), c.fill);
    const auto weight_at = [&](int g, int tap, int i, int o) -> float& {
        const int index = (((g * panels + o / 8) * taps + tap) * in_group + i) * 8 + o % 8;
        return weights[static_cast<std::size_t>(index)];
    };
    for (int g = 0; g < c.groups; ++g) {
        for (int o = out_group; o < panels * 8; ++o) {
            bias[static_cast<std::size_t>(g * panels * 8 + o)] = 0.0f;
            for (int tap = 0; tap < taps; ++tap) {
                for (int i = 0; i < in_group; ++i) weight_at(g, tap, i, o) = 0.0f;
            }
        }
    }
    weights.make_read_only();
    bias.make_read_only();

    const auto out_channels = static_cast<std::size_t>(c.out_channels);
    const auto output_size = static_cast<std::size_t>(output_width) * out_channels;
    std::vector<Expected> expected(output_size);
    std::vector<float> fused(output_size);  // the bits that the vector kernels promise
    for (int x = 0; x < output_width; ++x) {
        for (int channel = 0; channel < c.out_channels; ++channel) {
            const int g = channel / out_group;
            const int o = channel % out_group;
            const float start = bias[static_cast<std::size_t>(g * panels * 8 + o)];
            Expected sum{start, std::fabs(start)};
            float fused_sum = start;
            for (int a = 0; a < c.kernel_height; ++a) {
                const float* row = rows[static_cast<std::size_t>(a)];
                for (int b = 0; b < c.kernel_width && row != nullptr; ++b) {
                    const int column = x * c.stride + b * c.dilation - c.pad_left;
                    if (column < 0 || column >= c.width) continue;
                    for (int i = 0; i < in_group; ++i) {
                        const float value = row[column * input_stride + g * in_group + i];
                        const float weight = weight_at(g, a * c.kernel_width + b, i, o);
                        const double product = static_cast<double>(value) * weight;
                        sum.value += product;
                        sum.magnitude += std::fabs(product);
                        fused_sum = std::fma(value, weight, fused_sum);
                    }
                }
            }
            const std::size_t index =
                static_cast<std::size_t>(x) * out_channels + static_cast<std::size_t>(channel);
            expected[index] = activated(sum, c.activation);
            fused[index] = fovea::ops::fused_activation(fused_sum, c.activation);
        }
    }

    const int output_stride = c.out_channels + c.padding;
    for (const auto& kernel : runnable_variants(fovea::ops::kConv2dFp32)) {
        OutputRows output(static_cast<std::size_t>(output_width), out_channels,
                          static_cast<std::size_t>(output_stride), slack);
        Conv2dFp32Args args = {};
        args.rows = rows.data();
        args.input_stride = input_stride;
        args.output = output.data();
        args.output_stride = output_stride;
        args.weights = weights.data();
        args.bias = bias.data();
        args.input_width = c.width;
        args.output_width = output_width;
        args.in_channels = c.in_channels;
        args.out_channels = c.out_channels;
        args.groups = c.groups;
        args.kernel_height = c.kernel_height;
        args.kernel_width = c.kernel_width;
        args.stride_x = c.stride;
        args.dilation_x = c.dilation;
        args.pad_left = c.pad_left;
        args.activation = c.activation;
        if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
        checker.compare(output, expected, static_cast<std::size_t>(taps * in_group) + 2);
        if (kernel.required != fovea::ops::kFeatureNone) {
            checker.compare_equal(output, fused.data(), c.out_channels);
        }
    }
}

}  // namespace

TEST_CASE("conv2d: every width around a tile, with every pad, stride and dilation") {
    Checker checker;
    int turn = 0;
    for (const int kernel : {1, 2, 3, 5, 7}) {
        for (const int stride : {1, 2, 3}) {
            for (const int dilation : {1, 2}) {
                for (const int pads : {0, 1, 2, 3}) {
                    for (const int width : {1, 2, 3, 5, 6, 7, 11, 12, 13, 17, 20, 26, 41}) {
                        Case c;
                        c.width = width;
                        c.in_channels = 1 + turn % 4;
                        c.out_channels = std::vector<int>{1, 7, 8, 9, 16, 17, 24, 27}[turn / 3 % 8];
                        c.kernel_height = 1 + turn / 5 % 3;
                        c.kernel_width = kernel;
                        c.stride = stride;
                        c.dilation = dilation;
                        c.pad_left = pads == 1 || pads == 3 ? kernel / 2 * dilation : 0;
                        c.pad_right = pads >= 2 ? (kernel - 1) / 2 * dilation + pads % 2 : 0;
                        c.null_rows = static_cast<unsigned>(turn / 7 % 8);
                        c.activation = kFusableActivations[turn % 5];
                        c.fill = kAllFills[turn / 2 % 3];
                        c.offset = turn % 2;
                        c.padding = turn / 2 % 2 * 3;
                        ++turn;
                        check(checker, c);
                    }
                }
            }
        }
    }
}

TEST_CASE("conv2d: a NaN reaches the outputs whose windows hold it and no others") {
    Checker checker;
    for (const auto activation : kFusableActivations) {
        for (const int nan_column : {0, 10, 19}) {
            Case c;
            c.width = 20;
            c.in_channels = 3;
            c.out_channels = 19;
            c.kernel_height = c.kernel_width = 3;
            c.pad_left = c.pad_right = 1;
            c.activation = activation;
            c.nan_column = nan_column;
            check(checker, c);
        }
    }
}

TEST_CASE("conv2d: groups") {
    Checker checker;
    for (const int groups : {2, 3, 4}) {
        for (const int in_group : {1, 2, 5}) {
            for (const int out_group : {1, 3, 8, 9, 16, 20}) {
                for (const Fill fill : kAllFills) {
                    Case c;
                    c.width = 15;
                    c.in_channels = groups * in_group;
                    c.out_channels = groups * out_group;
                    c.groups = groups;
                    c.kernel_height = c.kernel_width = 3;
                    c.pad_left = c.pad_right = 1;
                    c.activation = Activation::kRelu;
                    c.fill = fill;
                    check(checker, c);
                }
            }
        }
    }
}

TEST_CASE("conv2d: every width of a stem around a tile") {
    Checker checker;
    int turn = 0;
    for (const int tile : {12, 16}) {
        for (const int outputs : sizes_around(tile)) {
            for (const int out_channels : {8, 15, 16, 17, 40}) {
                for (const int pad_left : {0, 1}) {
                    for (const int pad_right : {0, 1}) {
                        Case c;
                        c.width = 2 * outputs + 1;
                        c.in_channels = 3;
                        c.out_channels = out_channels;
                        c.kernel_height = c.kernel_width = 3;
                        c.stride = 2;
                        c.pad_left = pad_left;
                        c.pad_right = pad_right;
                        c.null_rows = turn % 3 == 0 ? 1u << turn / 3 % 3 : 0u;
                        c.activation = kFusableActivations[turn % 5];
                        c.fill = kAllFills[turn / 2 % 3];
                        c.offset = turn % 2;
                        c.padding = turn % 5 == 0 ? 3 : 0;
                        ++turn;
                        check(checker, c);
                    }
                }
            }
        }
    }
}

TEST_CASE("conv2d: the stem, the spatial attention, and layers of other networks") {
    Checker checker;
    for (const Fill fill : kAllFills) {
        for (const int offset : {0, 1}) {
            for (const int width : {224, 225, 37}) {
                Case stem;
                stem.width = width;
                stem.in_channels = 3;
                stem.out_channels = 16;
                stem.kernel_height = stem.kernel_width = 3;
                stem.stride = 2;
                stem.pad_left = width % 2;
                stem.pad_right = 1;
                stem.activation = Activation::kHardSwish;
                stem.fill = fill;
                stem.offset = offset;
                for (const unsigned null_rows : {0u, 4u}) {
                    stem.null_rows = null_rows;
                    check(checker, stem);
                }
            }
            for (const int width : {16, 7, 2}) {
                Case spatial;
                spatial.width = width;
                spatial.in_channels = 2;
                spatial.kernel_height = spatial.kernel_width = 7;
                spatial.pad_left = spatial.pad_right = 3;
                spatial.fill = fill;
                spatial.offset = offset;
                for (const unsigned null_rows : {0u, 7u, 0x70u}) {
                    spatial.null_rows = null_rows;
                    check(checker, spatial);
                }
            }
            Case block;  // VGG, ResNet
            block.width = 14;
            block.in_channels = 64;
            block.out_channels = 128;
            block.kernel_height = block.kernel_width = 3;
            block.pad_left = block.pad_right = 1;
            block.activation = Activation::kRelu;
            block.fill = fill;
            block.offset = offset;
            check(checker, block);
        }
    }
}
