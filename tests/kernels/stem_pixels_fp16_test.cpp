// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_convolution_check.h"
#include "ops/affine/affine.h"
#include "ops/conv2d/conv2d.h"
#include "ops/stem_pixels/stem_pixels.h"

namespace {

const fovea::test::ComparesTable compares_stem_pixels_fp16(fovea::ops::kStemPixelsFp16);

using namespace fovea::test;
using fovea::ops::Half;

// The same bits as the rescaling and the convolution one after the other.
void check_stem(Checker& checker, const WindowCase& c) {
    if (c.width + c.pad_left + c.pad_right <= c.kernel - 1) return;
    const Window window(checker, "stem", c);
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

}  // namespace

TEST_CASE("stem_pixels of halves: widths, padding, several parts of a row") {
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
                check_stem(checker, c);
            }
        }
    }
}
