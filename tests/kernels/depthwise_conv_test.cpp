// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "activation_oracle.h"
#include "compare_variants.h"
#include "kernel_check.h"
#include "ops/depthwise_conv/depthwise_conv.h"

namespace {

const fovea::test::ComparesTable compares_depthwise_conv_fp32(fovea::ops::kDepthwiseConvFp32);

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::DepthwiseConvFp32Args;

struct Case {
    int input_width;
    int channels;
    int kernel_height;
    int kernel_width;
    int stride;
    int pad_left;
    int pad_right;
    int dilation = 1;
    unsigned null_rows = 0;  // bit a: row a is padding
    Activation activation = Activation::kNone;
    Fill fill = Fill::kUniform;
    int offset = 0;
    int padding = 0;  // elements between the rows' channels and the next pixel's
};

std::size_t size(int value) {
    return static_cast<std::size_t>(value);
}

void check(Checker& checker, const Case& c) {
    checker.shape(
        "width=%d channels=%d kernel=%dx%d stride=%d pad=%d,%d dilation=%d null_rows=%u "
        "activation=%d fill=%s offset=%d padding=%d",
        c.input_width, c.channels, c.kernel_height, c.kernel_width, c.stride, c.pad_left,
        c.pad_right, c.dilation, c.null_rows, static_cast<int>(c.activation), name_of(c.fill),
        c.offset, c.padding);
    const int reach = (c.kernel_width - 1) * c.dilation + 1;
    const int room = c.input_width + c.pad_left + c.pad_right - reach;
    if (room < 0) return;
    const int output_width = room / c.stride + 1;
    const int padded_channels = (c.channels + 7) / 8 * 8;
    const int stride = c.channels + c.padding;

    Random random = checker.random();
    std::vector<std::unique_ptr<GuardedArray<float>>> storage;
    std::vector<const float*> rows;
    for (int a = 0; a < c.kernel_height; ++a) {
        if ((c.null_rows >> a & 1u) != 0) {
            rows.push_back(nullptr);
            continue;
        }
        storage.push_back(std::make_unique<GuardedArray<float>>(
            size((c.input_width - 1) * stride + c.channels), size(c.offset)));
        random.fill(storage.back()->data(), storage.back()->size(), c.fill);
        storage.back()->make_read_only();
        rows.push_back(storage.back()->data());
    }
    GuardedArray<float> weights(size(c.kernel_height * c.kernel_width * padded_channels));
    GuardedArray<float> bias(size(padded_channels));
    random.fill(weights.data(), weights.size(), c.fill);
    random.fill(bias.data(), bias.size(), c.fill);
    weights.make_read_only();
    bias.make_read_only();

    std::vector<Expected> expected;
    for (int x = 0; x < output_width; ++x) {
        for (int channel = 0; channel < c.channels; ++channel) {
            const double start = bias[size(channel)];
            Expected sum{start, std::fabs(start)};
            for (int a = 0; a < c.kernel_height; ++a) {
                for (int b = 0; b < c.kernel_width; ++b) {
                    const int column = x * c.stride + b * c.dilation - c.pad_left;
                    if (rows[size(a)] == nullptr || column < 0 || column >= c.input_width) continue;
                    const double product =
                        static_cast<double>(rows[size(a)][column * stride + channel]) *
                        static_cast<double>(
                            weights[size((a * c.kernel_width + b) * padded_channels + channel)]);
                    sum.value += product;
                    sum.magnitude += std::fabs(product);
                }
            }
            expected.push_back(activated(sum, c.activation));
        }
    }

    DepthwiseConvFp32Args args = {};
    args.rows = rows.data();
    args.input_stride = stride;
    args.output_stride = stride;
    args.weights = weights.data();
    args.bias = bias.data();
    args.input_width = c.input_width;
    args.output_width = output_width;
    args.channels = c.channels;
    args.kernel_height = c.kernel_height;
    args.kernel_width = c.kernel_width;
    args.stride_x = c.stride;
    args.dilation_x = c.dilation;
    args.pad_left = c.pad_left;
    args.activation = c.activation;
    compare_variants(checker, fovea::ops::kDepthwiseConvFp32, args, {size(output_width), size(c.channels), size(stride), size(c.offset)},
                     expected, size(c.kernel_height * c.kernel_width) + 1);
}

}  // namespace

TEST_CASE("depthwise_conv: every width and channel count around a tile") {
    Checker checker;
    int turn = 0;
    for (const int kernel : {3, 5}) {
        for (const int stride : {1, 2}) {
            for (const int width : {1,  2,  3,  4,  5,  6,  7,  8,  9,  11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 26, 31, 33, 34, 35, 36, 50, 70, 71}) {
                for (const int channels : {1, 3, 4, 7, 8, 9, 15, 16, 17, 25, 33, 40}) {
                    Case c{width, channels, kernel, kernel, stride, 0, 0};
                    c.pad_left = turn % (kernel / 2 + 2);
                    c.pad_right = turn / 2 % (kernel / 2 + 2);
                    c.activation = kFusableActivations[turn % 5];
                    c.fill = kAllFills[turn / 5 % 3];
                    c.offset = turn % 2;
                    c.padding = turn / 2 % 2 * 3;
                    ++turn;
                    check(checker, c);
                }
            }
        }
    }
}

TEST_CASE("depthwise_conv: rows in the padding") {
    Checker checker;
    for (const int kernel : {3, 5}) {
        for (unsigned null_rows = 0; null_rows < 1u << kernel; ++null_rows) {
            check(checker, {14, 11, kernel, kernel, 1, kernel / 2, kernel / 2, 1, null_rows});
            check(checker, {15, 16, kernel, kernel, 2, 0, 1, 1, null_rows});
            check(checker, {37, 24, kernel, kernel, 1, kernel / 2, kernel / 2, 1, null_rows});
            check(checker, {21, 40, kernel, kernel, 1, kernel / 2, kernel / 2, 1, null_rows});
            check(checker, {29, 40, kernel, kernel, 2, 0, 1, 1, null_rows});
        }
    }
}

TEST_CASE("depthwise_conv: what is left of a kernel in a gradient: fewer columns than rows, every second row absent") {
    Checker checker;
    for (const int height : {3, 5}) {
        for (const int width : {1, 2, 3}) {
            for (const unsigned null_rows : {0u, 0b01010u, 0b10101u}) {
                for (const int input_width : {1, 2, 7, 8, 9, 16, 17, 33}) {
                    for (const int channels : {5, 8, 16, 27, 40}) {
                        check(checker, {input_width, channels, height, width, 1, width - 1, width - 1, 1, null_rows});
                        check(checker, {input_width, channels, height, width, 1, width / 2, 1, 1, null_rows});
                    }
                }
            }
        }
    }
}

TEST_CASE("depthwise_conv: other kernels, strides and dilations") {
    Checker checker;
    for (const int channels : {1, 8, 13}) {
        for (const int dilation : {1, 2, 3}) {
            for (const int stride : {1, 2, 3}) {
                check(checker, {19, channels, 3, 3, stride, dilation, dilation, dilation});
                check(checker, {19, channels, 7, 7, stride, 3, 3, 1});
                check(checker, {19, channels, 1, 1, stride, 0, 0, 1});
                check(checker, {19, channels, 3, 5, stride, 2, 2, 1});
                check(checker, {19, channels, 5, 3, stride, 1, 1, dilation});
                check(checker, {19, channels, 2, 4, stride, 0, 3, dilation});
            }
        }
    }
}

TEST_CASE("depthwise_conv: every activation and fill") {
    Checker checker;
    for (const Activation activation : kFusableActivations) {
        for (const Fill fill : kAllFills) {
            for (const int offset : {0, 1}) {
                check(checker, {21, 20, 3, 3, 1, 1, 1, 1, 0, activation, fill, offset});
                check(checker, {21, 20, 5, 5, 2, 1, 2, 1, 0, activation, fill, offset});
            }
        }
    }
}

TEST_CASE("depthwise_conv: the layers of MobileNetV3 Large and Small") {
    struct Layer {
        int width, channels, kernel, stride;
    };
    constexpr Layer kLayers[] = {{112, 16, 3, 1}, {112, 64, 3, 2}, {56, 72, 3, 1},  {56, 72, 5, 2},
                                 {28, 120, 5, 1}, {28, 240, 3, 2}, {14, 200, 3, 1}, {14, 184, 3, 1},
                                 {14, 480, 3, 1}, {14, 672, 3, 1}, {14, 672, 5, 2}, {7, 960, 5, 1},
                                 {112, 16, 3, 2}, {56, 72, 3, 2},  {28, 88, 3, 1},  {28, 96, 5, 2},
                                 {14, 240, 5, 1}, {14, 120, 5, 1}, {14, 144, 5, 1}, {14, 288, 5, 2},
                                 {7, 576, 5, 1}};
    Checker checker;
    for (const Layer& layer : kLayers) {
        const int pad_right = layer.kernel / 2;
        const int pad_left = layer.stride == 1 ? pad_right : pad_right - 1;
        check(checker, {layer.width, layer.channels, layer.kernel, layer.kernel, layer.stride,
                        pad_left, pad_right, 1, 0, Activation::kHardSwish});
    }
}

TEST_CASE("depthwise_conv: a NaN reaches the outputs that see it, and no other") {
    Checker checker;
    const auto& table = fovea::ops::kDepthwiseConvFp32;
    for (const Activation activation : kFusableActivations) {
        checker.shape("activation=%d", static_cast<int>(activation));
        constexpr int kWidth = 20, kChannels = 11, kNan = 9;
        std::vector<float> row(kWidth * kChannels, 1.0f);
        row[kNan * kChannels + 4] = std::nanf("");
        const float* rows[3] = {row.data(), row.data(), nullptr};
        const std::vector<float> weights(9 * 16, 0.5f);
        const std::vector<float> bias(16, 0.0f);
        for (const auto& kernel : runnable_variants(table)) {
            OutputRows output(kWidth, kChannels, kChannels);
            const DepthwiseConvFp32Args args = {rows,
                                                kChannels,
                                                output.data(),
                                                kChannels,
                                                weights.data(),
                                                bias.data(),
                                                kWidth,
                                                kWidth,
                                                kChannels,
                                                3,
                                                3,
                                                1,
                                                1,
                                                1,
                                                activation};
            if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
            for (std::size_t x = 0; x < kWidth; ++x) {
                for (std::size_t channel = 0; channel < kChannels; ++channel) {
                    const bool sees = channel == 4 && x + 1 >= kNan && x <= kNan + 1;
                    checker.compare_value(x * kChannels + channel,
                                          std::isnan(output.at(x, channel)), sees);
                }
            }
        }
    }
}
