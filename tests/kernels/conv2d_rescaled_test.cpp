// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d_rescaled.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "activation_oracle.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

struct Case {
    int width = 1;  // of the input
    int in_channels = 3;
    int out_channels = 16;
    int kernel_height = 3;
    int kernel_width = 3;
    int stride = 2;
    int dilation = 1;
    int pad_left = 0;
    int pad_right = 1;
    unsigned null_rows = 0;  // bit a: kernel row a lies in the padding
    int groups = 1;
    bool even_scale = false;  // the same for every channel
    Activation activation = Activation::kNone;
    int offset = 0;
    int padding = 0;  // between the outputs' pixels
};

std::size_t size(std::ptrdiff_t value) {
    return static_cast<std::size_t>(value);
}

int output_width(const Case& c) {
    return (c.width + c.pad_left + c.pad_right - (c.kernel_width - 1) * c.dilation - 1) / c.stride +
           1;
}

void fill(Random& random, std::uint8_t* data, std::size_t count) {
    random.fill(data, count);
}
void fill(Random& random, float* data, std::size_t count) {
    random.fill(data, count, Fill::kUniform);
}

// One row's inputs, weights and arguments; nothing may be read past any of them.
template <typename Pixel>
struct Layer {
    Layer(const Case& c, Random random)
        : taps(c.kernel_height * c.kernel_width),
          panels((c.out_channels / c.groups + 7) / 8),
          weights(size(c.groups * panels * taps * (c.in_channels / c.groups) * 8)),
          bias(size(c.groups * panels * 8)),
          scale(size(c.in_channels), size(c.offset)),
          shift(size(c.in_channels), size(c.offset)) {
        for (int a = 0; a < c.kernel_height; ++a) {
            row_data.push_back(std::make_unique<GuardedArray<Pixel>>(size(c.width * c.in_channels),
                                                                     size(c.offset)));
            fill(random, row_data.back()->data(), row_data.back()->size());
            row_data.back()->make_read_only();
            rows.push_back((c.null_rows >> a & 1) != 0 ? nullptr : row_data.back()->data());
        }
        for (auto* array : {&weights, &bias, &scale, &shift}) {
            random.fill(array->data(), array->size(), Fill::kUniform);
        }
        for (std::size_t i = 1; c.even_scale && i < scale.size(); ++i) {
            scale[i] = scale[0];
            shift[i] = shift[0];
        }
        for (auto* array : {&weights, &bias, &scale, &shift}) array->make_read_only();
        args.rows = rows.data();
        args.scale = scale.data();
        args.offset = shift.data();
        args.convolution.output_stride = c.out_channels + c.padding;
        args.convolution.weights = weights.data();
        args.convolution.bias = bias.data();
        args.convolution.input_width = c.width;
        args.convolution.output_width = output_width(c);
        args.convolution.in_channels = c.in_channels;
        args.convolution.out_channels = c.out_channels;
        args.convolution.groups = c.groups;
        args.convolution.kernel_height = c.kernel_height;
        args.convolution.kernel_width = c.kernel_width;
        args.convolution.stride_x = c.stride;
        args.convolution.dilation_x = c.dilation;
        args.convolution.pad_left = c.pad_left;
        args.convolution.activation = c.activation;
    }

    int taps;
    int panels;
    GuardedArray<float> weights;
    GuardedArray<float> bias;
    GuardedArray<float> scale;
    GuardedArray<float> shift;
    std::vector<std::unique_ptr<GuardedArray<Pixel>>> row_data;
    std::vector<const Pixel*> rows;
    Conv2dRescaledArgs<Pixel, float> args = {};
};

// The formula, from the rows rescaled in float32 as affine.h says.
template <typename Pixel>
std::vector<Expected> expected_outputs(const Case& c, const Layer<Pixel>& layer) {
    const int in_group = c.in_channels / c.groups;
    const int out_group = c.out_channels / c.groups;
    std::vector<Expected> result;
    for (int x = 0; x < output_width(c); ++x) {
        for (int channel = 0; channel < c.out_channels; ++channel) {
            const int g = channel / out_group;
            const int panel = g * layer.panels + channel % out_group / 8;
            const int lane = channel % out_group % 8;
            const double start = layer.bias[size(panel * 8 + lane)];
            Expected sum{start, std::fabs(start)};
            for (int tap = 0; tap < layer.taps; ++tap) {
                const Pixel* row = layer.rows[size(tap / c.kernel_width)];
                const int column = x * c.stride + tap % c.kernel_width * c.dilation - c.pad_left;
                if (row == nullptr || column < 0 || column >= c.width) continue;
                for (int i = 0; i < in_group; ++i) {
                    const int input = g * in_group + i;
                    float value = static_cast<float>(row[column * c.in_channels + input]);
                    value *= layer.scale[size(input)];
                    value += layer.shift[size(input)];
                    const int at = ((panel * layer.taps + tap) * in_group + i) * 8 + lane;
                    const double product = static_cast<double>(value) * layer.weights[size(at)];
                    sum.value += product;
                    sum.magnitude += std::fabs(product);
                }
            }
            result.push_back(activated(sum, c.activation));
        }
    }
    return result;
}

// The bits that are promised: whole rows rescaled, then convolved.
template <typename Pixel, typename AffineArgs>
std::vector<float> in_two_steps(const Case& c, const Layer<Pixel>& layer,
                                void (*rescale)(const AffineArgs&),
                                Conv2dFp32Function convolution) {
    std::vector<std::vector<float>> data;
    std::vector<const float*> rows;
    for (const Pixel* row : layer.rows) {
        data.emplace_back(size(c.width * c.in_channels));
        if (row != nullptr) {
            rescale({row, data.back().data(), layer.scale.data(), layer.shift.data(), size(c.width),
                     c.in_channels});
        }
        rows.push_back(row == nullptr ? nullptr : data.back().data());
    }
    std::vector<float> output(size(output_width(c) * layer.args.convolution.output_stride));
    Conv2dFp32Args args = layer.args.convolution;
    args.rows = rows.data();
    args.input_stride = c.in_channels;
    args.output = output.data();
    convolution(args);
    return output;
}

template <typename Pixel, typename Run>
void check_variant(Checker& checker, const Case& c, Layer<Pixel>& layer, const char* name,
                   const std::vector<Expected>& expected, const std::vector<float>& two_steps,
                   const Run& run) {
    OutputRows output(size(output_width(c)), size(c.out_channels),
                      size(layer.args.convolution.output_stride), size(c.offset));
    layer.args.convolution.output = output.data();
    if (!checker.run(name, [&] { run(layer.args); })) return;
    checker.compare(output, expected, size(layer.taps * c.in_channels / c.groups) + 2);
    checker.compare_equal(output, two_steps.data(), layer.args.convolution.output_stride);
}

void check(Checker& checker, const Case& c) {
    if (c.width + c.pad_left + c.pad_right <= (c.kernel_width - 1) * c.dilation) return;
    REQUIRE(can_rescale_window(c.in_channels, c.kernel_height, c.kernel_width, c.dilation));
    checker.shape(
        "width=%d in=%d out=%d groups=%d kernel=%dx%d stride=%d dilation=%d pad=%d,%d null_rows=%x "
        "even_scale=%d activation=%d offset=%d padding=%d",
        c.width, c.in_channels, c.out_channels, c.groups, c.kernel_height, c.kernel_width, c.stride,
        c.dilation, c.pad_left, c.pad_right, c.null_rows, c.even_scale ? 1 : 0,
        static_cast<int>(c.activation), c.offset, c.padding);
    Layer<std::uint8_t> bytes(c, checker.random());
    const std::vector<Expected> expected = expected_outputs(c, bytes);
    for (const auto& kernel : runnable_variants(kConv2dU8)) {
        check_variant(checker, c, bytes, kernel.name, expected,
                      in_two_steps(c, bytes, kAffineU8.select(kernel.required).function,
                                   kConv2dFp32.select(kernel.required).function),
                      kernel.function);
    }
    Layer<float> floats(c, checker.random());
    const std::vector<Expected> float_expected = expected_outputs(c, floats);
    for (const auto& kernel : runnable_variants(kConv2dFp32)) {
        const AffineFp32Function rescale = kAffineFp32.select(kernel.required).function;
        check_variant(checker, c, floats, kernel.name, float_expected,
                      in_two_steps(c, floats, rescale, kernel.function),
                      [&](const Conv2dRescaledArgs<float, float>& args) {
                          conv2d_rescaled(args, rescale, kernel.function);
                      });
    }
}

}  // namespace

TEST_CASE("conv2d_rescaled: widths around a tile and a part, every pad, stride and channel count") {
    Checker checker;
    int turn = 0;
    for (const int kernel : {1, 2, 3, 5}) {
        for (const int stride : {1, 2, 3}) {
            for (const int width : {1, 2, 3, 5, 6, 7, 8, 9, 11, 16, 17, 18, 24, 25, 41, 67}) {
                for (const int pads : {0, 1, 2, 3}) {
                    Case c;
                    c.width = width;
                    c.in_channels = std::vector<int>{3, 1, 4, 3, 2, 5, 3, 8}[size(turn % 8)];
                    c.out_channels = std::vector<int>{16, 7, 8, 9, 1, 24, 27}[size(turn / 3 % 7)];
                    c.kernel_height = 1 + turn / 5 % 3;
                    c.kernel_width = kernel;
                    c.stride = stride;
                    c.dilation = 1 + turn % 11 / 10;
                    c.pad_left = pads % 2 * (kernel / 2 * c.dilation);
                    c.pad_right = pads / 2 * (kernel / 2 * c.dilation + turn % 2);
                    c.null_rows = static_cast<unsigned>(turn / 7 % 8);
                    c.even_scale = turn % 3 == 0;
                    c.activation = kFusableActivations[turn % 5];
                    c.offset = turn % 2;
                    c.padding = turn / 2 % 2 * 3;
                    ++turn;
                    check(checker, c);
                }
            }
        }
    }
}

TEST_CASE("conv2d_rescaled: the stem, in one and in several parts, whole and at an edge") {
    Checker checker;
    for (const int width : {7, 8, 9, 10, 11, 32, 224, 225, 340, 342, 512, 1024}) {
        for (const int pad_left : {0, 1}) {
            for (const unsigned null_rows : {0u, 1u, 4u, 7u}) {
                for (const int in_channels : {1, 3, 4}) {
                    Case c;
                    c.width = width;
                    c.in_channels = in_channels;
                    c.out_channels = width % 3 == 2 ? 16 : 20;
                    c.pad_left = pad_left;
                    c.null_rows = null_rows;
                    c.even_scale = width % 2 == 0;
                    c.activation = Activation::kHardSwish;
                    c.offset = width % 2;
                    check(checker, c);
                }
            }
        }
    }
}

TEST_CASE("conv2d_rescaled: groups, and windows as large as there is room for") {
    Checker checker;
    for (const int groups : {2, 4}) {
        Case c;
        c.width = 37;
        c.in_channels = c.out_channels = 4;
        c.groups = groups;
        c.pad_left = 1;
        check(checker, c);
    }
    for (const int width : {64, 65, 70, 80}) {
        Case c;
        c.width = width;
        c.in_channels = 3;
        c.kernel_height = 16;
        c.kernel_width = 64;
        c.stride = 1;
        c.pad_left = 2;
        c.out_channels = 9;
        check(checker, c);
        c.kernel_width = 8;
        c.dilation = 9;
        check(checker, c);
    }
    CHECK(can_rescale_window(3, 16, 64, 1));
    CHECK_FALSE(can_rescale_window(3, 16, 65, 1));
    CHECK_FALSE(can_rescale_window(1, 17, 1, 1));
    CHECK_FALSE(can_rescale_window(3073, 1, 1, 1));
}
