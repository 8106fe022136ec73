// SPDX-License-Identifier: Apache-2.0
// The convolutions of halves: see half_check.h.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "activation_oracle.h"
#include "half_check.h"
#include "ops/activation/fused_activation_scalar.h"
#include "ops/conv2d/conv2d.h"
#include "ops/stem_pixels/stem_pixels.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace {

const fovea::test::ComparesTable compares_conv2d_fp16(fovea::ops::kConv2dFp16);
const fovea::test::ComparesTable compares_stem_pixels_fp16(fovea::ops::kStemPixelsFp16);
const fovea::test::ComparesTable compares_depthwise_conv_fp16(fovea::ops::kDepthwiseConvFp16);
const fovea::test::ComparesTable compares_pointwise_conv_fp16(fovea::ops::kPointwiseConvFp16);

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::Half;

std::size_t blocks_of(int terms) {
    return static_cast<std::size_t>((terms + fovea::ops::kHalfBlock - 1) / fovea::ops::kHalfBlock);
}

std::size_t at_once(int terms) {
    return static_cast<std::size_t>(std::min(terms, fovea::ops::kHalfBlock));
}

// Runs and compares every kernel of a table. plain is what the scalar kernel of floats gives
// without residual and activation, magnitudes what it makes of the absolute values, the residual's
// with them; `terms` are the roundings that the contract states. compute(function, output, first,
// count) runs a kernel on some of the units that may be split.
template <typename Table, typename Compute>
void compare_kernels(Checker& checker, const Table& table, std::size_t rows, std::size_t width,
                     std::size_t stride, std::size_t offset, Activation activation,
                     const std::vector<float>& plain, const std::vector<float>& residual,
                     const std::vector<float>& magnitudes, std::size_t terms, std::size_t units,
                     const Compute& compute) {
    std::vector<Expected> expected(rows * width);
    std::vector<float> rounded = values_of(narrowed(plain));
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const float addend = residual.empty() ? 0.0f : residual[i];
        expected[i] =
            activated({plain[i] + static_cast<double>(addend), magnitudes[i]}, activation);
        rounded[i] += addend;
    }
    rounded = values_of(narrowed(rounded));
    for (float& value : rounded) value = fovea::ops::fused_activation(value, activation);
    const std::vector<Half> nearest = narrowed(rounded);
    for (const auto& kernel : runnable_variants(table)) {
        HalfRows whole(rows, width, stride, offset);
        if (!checker.run(kernel.name, [&] { compute(kernel.function, whole, 0, units); })) continue;
        if (kernel.required == fovea::ops::kFeatureNone) {
            checker.compare_equal(whole, nearest.data(), static_cast<std::ptrdiff_t>(width));
        } else {
            checker.compare(whole, expected, terms);
        }
        HalfRows split(rows, width, stride, offset);
        Random random = checker.random();
        const bool ran = checker.run(kernel.name, [&] {
            for (std::size_t first = 0; first < units;) {
                const std::size_t count =
                    std::min(units - first, static_cast<std::size_t>(random.between(1, 13)));
                compute(kernel.function, split, first, count);
                first += count;
            }
        });
        if (ran) checker.compare_equal(split, whole.data(), static_cast<std::ptrdiff_t>(stride));
    }
}

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

// A window over rows, as conv2d and depthwise_conv take them.
struct WindowCase {
    int width;  // of the input
    int in;
    int out;  // conv2d only
    int kernel;
    int stride = 1;
    int pad_left = 0;
    int pad_right = 0;
    int groups = 1;
    int dilation = 1;
    unsigned null_rows = 0;  // bit a: kernel row a lies in the padding
    Activation activation = Activation::kNone;
    Fill fill = Fill::kUniform;
    int offset = 0;
    int padding = 0;

    int output_width() const {
        return (width + pad_left + pad_right - (kernel - 1) * dilation - 1) / stride + 1;
    }
};

struct Window {
    Window(Checker& checker, const char* operation, const WindowCase& c) {
        checker.shape(
            "%s width=%d in=%d out=%d kernel=%d stride=%d pad=%d,%d groups=%d dilation=%d null=%x "
            "activation=%d fill=%s "
            "offset=%d padding=%d",
            operation, c.width, c.in, c.out, c.kernel, c.stride, c.pad_left, c.pad_right, c.groups,
            c.dilation, c.null_rows, static_cast<int>(c.activation), name_of(c.fill), c.offset,
            c.padding);
        Random random = checker.random();
        for (int a = 0; a < c.kernel; ++a) {
            const auto size = static_cast<std::size_t>((c.width - 1) * (c.in + c.padding) + c.in);
            rows.push_back(std::make_unique<HalfArray>(size, static_cast<std::size_t>(c.offset),
                                                       random, c.fill));
            rows.back()->halves.make_read_only();
            const bool is_null = (c.null_rows >> a & 1u) != 0;
            halves.push_back(is_null ? nullptr : rows.back()->halves.data());
            floats.push_back(is_null ? nullptr : rows.back()->floats.data());
            magnitudes.push_back(is_null ? nullptr : rows.back()->magnitudes.data());
        }
    }

    std::vector<std::unique_ptr<HalfArray>> rows;
    std::vector<const Half*> halves;
    std::vector<const float*> floats;
    std::vector<const float*> magnitudes;
};

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
    const auto width = static_cast<std::size_t>(c.output_width());
    const auto out = static_cast<std::size_t>(c.out);
    const auto run = [&](auto function, const auto& rows, auto* output, int output_stride,
                         const auto* packed, const auto* biases, Activation activation) {
        function({.rows = rows.data(),
                  .input_stride = c.in + c.padding,
                  .output = output,
                  .output_stride = output_stride,
                  .weights = packed,
                  .bias = biases,
                  .input_width = c.width,
                  .output_width = c.output_width(),
                  .in_channels = c.in,
                  .out_channels = c.out,
                  .groups = c.groups,
                  .kernel_height = c.kernel,
                  .kernel_width = c.kernel,
                  .stride_x = c.stride,
                  .dilation_x = c.dilation,
                  .pad_left = c.pad_left,
                  .activation = activation});
    };
    const auto by_floats = [&](const std::vector<const float*>& rows, auto HalfArray::*values,
                               Activation activation) {
        std::vector<float> output(width * out);
        run(fovea::ops::conv2d_fp32_scalar, rows, output.data(), c.out, (weights.*values).data(),
            (bias.*values).data(), activation);
        return output;
    };
    const std::size_t blocks = static_cast<std::size_t>(taps) * blocks_of(in_group);
    compare_kernels(
        checker, fovea::ops::kConv2dFp16, width, out, out + static_cast<std::size_t>(c.padding),
        static_cast<std::size_t>(c.offset), c.activation,
        by_floats(window.floats, &HalfArray::floats, Activation::kNone), {},
        by_floats(window.magnitudes, &HalfArray::magnitudes, Activation::kNone),
        at_once(taps * in_group) + blocks + 1, 1,
        [&](fovea::ops::Conv2dFp16Function function, HalfRows& output, std::size_t, std::size_t) {
            run(function, window.halves, output.data(), static_cast<int>(output.stride()),
                weights.halves.data(), bias.halves.data(), c.activation);
        });
}

// A stem on bytes: the same bits as the rescaling and the convolution one after the other.
void check_rescaled(Checker& checker, const WindowCase& c) {
    if (c.width + c.pad_left + c.pad_right <= c.kernel - 1) return;
    const Window window(checker, "rescaled", c);
    Random random = checker.random();
    const auto in = static_cast<std::size_t>(c.in);
    const auto panels = static_cast<std::size_t>((c.out + 7) / 8);
    HalfArray weights(panels * static_cast<std::size_t>(c.kernel * c.kernel) * in * 8, 0, random,
                      c.fill);
    HalfArray bias(panels * 8, 0, random, c.fill);
    GuardedArray<float> scale(in), offset(in);
    random.fill(scale.data(), in, Fill::kUniform);
    random.fill(offset.data(), in, Fill::kUniform);
    // The last output row's window reaches below the image.
    const int output_rows = 3;
    const int height = c.kernel + (output_rows - 1) * c.stride - 2;
    const int first_row = c.null_rows == 0 ? 0 : -1;
    const int row_pixels = c.width * c.in;
    GuardedArray<std::uint8_t> image(static_cast<std::size_t>(height * row_pixels));
    random.fill(image.data(), image.size());
    image.make_read_only();
    std::vector<Half> halves(image.size());
    fovea::ops::affine_pixels_fp16_scalar({image.data(), halves.data(), scale.data(), offset.data(),
                                       static_cast<std::size_t>(c.width * height), c.in});
    const auto width = static_cast<std::size_t>(c.output_width());
    const auto out = static_cast<std::size_t>(c.out);
    std::vector<const Half*> half_rows(static_cast<std::size_t>(c.kernel));
    fovea::ops::Conv2dFp16Args convolution = {.rows = half_rows.data(),
                                              .input_stride = c.in,
                                              .output = nullptr,
                                              .output_stride = c.out + c.padding,
                                              .weights = weights.halves.data(),
                                              .bias = bias.halves.data(),
                                              .input_width = c.width,
                                              .output_width = c.output_width(),
                                              .in_channels = c.in,
                                              .out_channels = c.out,
                                              .groups = 1,
                                              .kernel_height = c.kernel,
                                              .kernel_width = c.kernel,
                                              .stride_x = c.stride,
                                              .dilation_x = 1,
                                              .pad_left = c.pad_left,
                                              .activation = c.activation};
    const std::size_t stride = out + static_cast<std::size_t>(c.padding);
    const auto row_stride = static_cast<std::ptrdiff_t>(width * stride);
    for (const auto& kernel : runnable_variants(fovea::ops::kStemPixelsFp16)) {
        HalfRows expected(width * output_rows, out, stride);
        HalfRows output(width * output_rows, out, stride);
        for (int r = 0; r < output_rows; ++r) {
            for (int a = 0; a < c.kernel; ++a) {
                const int y = first_row + r * c.stride + a;
                half_rows[static_cast<std::size_t>(a)] =
                    y < 0 || y >= height ? nullptr : halves.data() + y * row_pixels;
            }
            convolution.output = expected.data() + r * row_stride;
            fovea::ops::kConv2dFp16.select(kernel.required).function(convolution);
        }
        convolution.output = output.data();
        if (!checker.run(kernel.name, [&] {
                kernel.function({.image = image.data(),
                                 .input_height = height,
                                 .first_row = first_row,
                                 .stride_y = c.stride,
                                 .dilation_y = 1,
                                 .output_rows = output_rows,
                                 .output_row_stride = row_stride,
                                 .scale = scale.data(),
                                 .offset = offset.data(),
                                 .convolution = convolution});
            })) {
            continue;
        }
        checker.compare_equal(output, expected.data(), static_cast<std::ptrdiff_t>(stride));
    }
}

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
    const auto width = static_cast<std::size_t>(c.output_width());
    const auto channels = static_cast<std::size_t>(c.in);
    const auto run = [&](auto function, const auto& rows, auto* output, int output_stride,
                         const auto* packed, const auto* biases, Activation activation) {
        function({.rows = rows.data(),
                  .input_stride = c.in + c.padding,
                  .output = output,
                  .output_stride = output_stride,
                  .weights = packed,
                  .bias = biases,
                  .input_width = c.width,
                  .output_width = c.output_width(),
                  .channels = c.in,
                  .kernel_height = c.kernel,
                  .kernel_width = c.kernel,
                  .stride_x = c.stride,
                  .dilation_x = c.dilation,
                  .pad_left = c.pad_left,
                  .activation = activation});
    };
    const auto by_floats = [&](const std::vector<const float*>& rows, auto HalfArray::*values,
                               Activation activation) {
        std::vector<float> output(width * channels);
        run(fovea::ops::depthwise_conv_fp32_scalar, rows, output.data(), c.in,
            (weights.*values).data(), (bias.*values).data(), activation);
        return output;
    };
    compare_kernels(
        checker, fovea::ops::kDepthwiseConvFp16, width, channels,
        channels + static_cast<std::size_t>(c.padding), static_cast<std::size_t>(c.offset),
        c.activation, by_floats(window.floats, &HalfArray::floats, Activation::kNone), {},
        by_floats(window.magnitudes, &HalfArray::magnitudes, Activation::kNone), taps + 1, 1,
        [&](fovea::ops::DepthwiseConvFp16Function function, HalfRows& output, std::size_t,
            std::size_t) {
            run(function, window.halves, output.data(), static_cast<int>(output.stride()),
                weights.halves.data(), bias.halves.data(), c.activation);
        });
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

TEST_CASE("conv2d of halves on bytes: widths, padding, several parts of a row") {
    Checker checker;
    int turn = 0;
    for (const int width : {1, 4, 15, 32, 33, 224, 512, 1000}) {
        for (const int in : {1, 3}) {
            for (const int out : {16, 21}) {
                WindowCase c{width, in, out, 3};
                c.stride = 2;
                c.pad_left = turn % 2;
                c.pad_right = 1;
                c.null_rows = turn % 3 == 0 ? 1 : 0;
                c.padding = turn % 4;
                c.activation = kFusableActivations[turn++ % 5];
                check_rescaled(checker, c);
            }
        }
    }
}

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
