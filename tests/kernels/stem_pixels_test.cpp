// SPDX-License-Identifier: Apache-2.0
#include "ops/stem_pixels/stem_pixels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "activation_oracle.h"

namespace {

const fovea::test::ComparesTable compares_conv2d_fp32(fovea::ops::kConv2dFp32);
const fovea::test::ComparesTable compares_stem_pixels_fp32(fovea::ops::kStemPixelsFp32);

using namespace fovea::test;
using namespace fovea::ops;

struct Case {
    int width = 1;  // of the input
    int height = 3;
    int in_channels = 3;
    int out_channels = 16;
    int kernel_height = 3;
    int kernel_width = 3;
    int stride = 2;
    int dilation = 1;
    int pad_left = 0;
    int pad_right = 1;
    int first_row = 0;
    int stride_y = 2;
    int dilation_y = 1;
    int output_rows = 1;
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

// An image, weights and arguments; nothing may be read past any of them.
template <typename Pixel>
struct Layer {
    Layer(const Case& c, Random random)
        : taps(c.kernel_height * c.kernel_width),
          panels((c.out_channels / c.groups + 7) / 8),
          weights(size(c.groups * panels * taps * (c.in_channels / c.groups) * 8)),
          bias(size(c.groups * panels * 8)),
          scale(size(c.in_channels), size(c.offset)),
          shift(size(c.in_channels), size(c.offset)),
          image(size(c.height * c.width * c.in_channels), size(c.offset)) {
        fill(random, image.data(), image.size());
        image.make_read_only();
        for (auto* array : {&weights, &bias, &scale, &shift}) {
            random.fill(array->data(), array->size(), Fill::kUniform);
        }
        for (std::size_t i = 1; c.even_scale && i < scale.size(); ++i) {
            scale[i] = scale[0];
            shift[i] = shift[0];
        }
        for (auto* array : {&weights, &bias, &scale, &shift}) array->make_read_only();
        args.image = image.data();
        args.input_height = c.height;
        args.first_row = c.first_row;
        args.stride_y = c.stride_y;
        args.dilation_y = c.dilation_y;
        args.output_rows = c.output_rows;
        args.output_row_stride = std::ptrdiff_t{output_width(c)} * (c.out_channels + c.padding);
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
    GuardedArray<Pixel> image;
    StemPixelsArgs<Pixel, float> args = {};
};

// The row of the image under kernel row a of output row r, or -1 for padding.
int image_row(const Case& c, int r, int a) {
    const int y = c.first_row + r * c.stride_y + a * c.dilation_y;
    return y < c.height ? std::max(y, -1) : -1;
}

// The formula, from the rows rescaled in float32 as affine.h says.
template <typename Pixel>
std::vector<Expected> expected_outputs(const Case& c, const Layer<Pixel>& layer) {
    const int in_group = c.in_channels / c.groups;
    const int out_group = c.out_channels / c.groups;
    std::vector<Expected> result;
    for (int pixel = 0; pixel < c.output_rows * output_width(c); ++pixel) {
        const int r = pixel / output_width(c);
        const int x = pixel % output_width(c);
        for (int channel = 0; channel < c.out_channels; ++channel) {
            const int g = channel / out_group;
            const int panel = g * layer.panels + channel % out_group / 8;
            const int lane = channel % out_group % 8;
            const double start = layer.bias[size(panel * 8 + lane)];
            Expected sum{start, std::fabs(start)};
            for (int tap = 0; tap < layer.taps; ++tap) {
                const int y = image_row(c, r, tap / c.kernel_width);
                const int column = x * c.stride + tap % c.kernel_width * c.dilation - c.pad_left;
                if (y < 0 || column < 0 || column >= c.width) continue;
                for (int i = 0; i < in_group; ++i) {
                    const int input = g * in_group + i;
                    float value = static_cast<float>(
                        layer.image[size((y * c.width + column) * c.in_channels + input)]);
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

// The bits that are promised: the image rescaled, then convolved row by row.
template <typename Pixel, typename AffineArgs>
std::vector<float> in_two_steps(const Case& c, const Layer<Pixel>& layer,
                                void (*rescale)(const AffineArgs&),
                                Conv2dFp32Function convolution) {
    std::vector<float> rescaled(layer.image.size());
    rescale({layer.image.data(), rescaled.data(), layer.scale.data(), layer.shift.data(),
             size(c.width * c.height), c.in_channels});
    std::vector<float> output(size(c.output_rows * layer.args.output_row_stride));
    Conv2dFp32Args args = layer.args.convolution;
    std::vector<const float*> rows(size(c.kernel_height));
    args.rows = rows.data();
    args.input_stride = c.in_channels;
    for (int r = 0; r < c.output_rows; ++r) {
        for (int a = 0; a < c.kernel_height; ++a) {
            const int y = image_row(c, r, a);
            rows[size(a)] = y < 0 ? nullptr : rescaled.data() + y * c.width * c.in_channels;
        }
        args.output = output.data() + r * layer.args.output_row_stride;
        convolution(args);
    }
    return output;
}

template <typename Pixel, typename Run>
void check_variant(Checker& checker, const Case& c, Layer<Pixel>& layer, const char* name,
                   const std::vector<Expected>& expected, const std::vector<float>& two_steps,
                   const Run& run) {
    OutputRows output(size(output_width(c) * c.output_rows), size(c.out_channels),
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
        "width=%d in=%d out=%d groups=%d kernel=%dx%d stride=%d dilation=%d pad=%d,%d height=%d "
        "first_row=%d stride_y=%d dilation_y=%d output_rows=%d "
        "even_scale=%d activation=%d offset=%d padding=%d",
        c.width, c.in_channels, c.out_channels, c.groups, c.kernel_height, c.kernel_width, c.stride,
        c.dilation, c.pad_left, c.pad_right, c.height, c.first_row, c.stride_y, c.dilation_y,
        c.output_rows, c.even_scale ? 1 : 0, static_cast<int>(c.activation), c.offset, c.padding);
    Layer<std::uint8_t> bytes(c, checker.random());
    const std::vector<Expected> expected = expected_outputs(c, bytes);
    for (const auto& kernel : runnable_variants(kStemPixelsFp32)) {
        check_variant(checker, c, bytes, kernel.name, expected,
                      in_two_steps(c, bytes, kAffinePixelsFp32.select(kernel.required).function,
                                   kConv2dFp32.select(kernel.required).function),
                      kernel.function);
    }
    Layer<float> floats(c, checker.random());
    const std::vector<Expected> float_expected = expected_outputs(c, floats);
    for (const auto& kernel : runnable_variants(kConv2dFp32)) {
        const AffineFp32Function rescale = kAffineFp32.select(kernel.required).function;
        check_variant(checker, c, floats, kernel.name, float_expected,
                      in_two_steps(c, floats, rescale, kernel.function),
                      [&](const StemPixelsArgs<float, float>& args) {
                          stem_pixels_in_parts(args, rescale, kernel.function);
                      });
    }
}

}  // namespace

TEST_CASE("stem_pixels: widths around a tile and a part, every pad, stride and channel count") {
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
                    c.height = 1 + turn / 2 % 6;
                    c.first_row = turn / 7 % 6 - 2;
                    c.stride_y = 1 + turn / 3 % 3;
                    c.dilation_y = 1 + turn / 13 % 2;
                    c.output_rows = 1 + turn / 4 % 4;
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

TEST_CASE("stem_pixels: the stem, in one and in several parts, whole and at an edge") {
    Checker checker;
    for (const int width : {7, 8, 9, 10, 11, 32, 224, 225, 340, 342, 512, 1024}) {
        for (const int pad_left : {0, 1}) {
            for (const int first_row : {-1, 0, 3}) {
                for (const int in_channels : {1, 3, 4}) {
                    Case c;
                    c.width = width;
                    c.in_channels = in_channels;
                    c.out_channels = width % 3 == 2 ? 16 : 20;
                    c.pad_left = pad_left;
                    c.height = 6;
                    c.first_row = first_row;
                    c.output_rows = 3;
                    c.even_scale = width % 2 == 0;
                    c.activation = Activation::kHardSwish;
                    c.offset = width % 2;
                    check(checker, c);
                }
            }
        }
    }
}

TEST_CASE("stem_pixels: groups, and windows as large as there is room for") {
    Checker checker;
    for (const int groups : {2, 4}) {
        Case c;
        c.width = 37;
        c.in_channels = c.out_channels = 4;
        c.groups = groups;
        c.pad_left = 1;
        check(checker, c);
    }
    for (const int width : {96, 98, 103, 120}) {
        Case c;
        c.width = width;
        c.in_channels = 3;
        c.height = c.kernel_height = 16;
        c.first_row = -1;
        c.output_rows = 2;
        c.kernel_width = 98;
        c.stride = 1;
        c.pad_left = 2;
        c.out_channels = 9;
        check(checker, c);
        c.kernel_width = 8;
        c.dilation = 13;
        check(checker, c);
    }
    CHECK(can_rescale_window(3, 16, 98, 1));
    CHECK_FALSE(can_rescale_window(3, 16, 99, 1));
    CHECK_FALSE(can_rescale_window(1, 17, 1, 1));
    CHECK_FALSE(can_rescale_window(4705, 1, 1, 1));
}
