// SPDX-License-Identifier: Apache-2.0
#pragma once

// The specification of the convolution of codes; shapes and formula are in conv2d_codes.h.
#include "ops/codes_scalar.h"
#include "ops/conv2d/conv2d_codes.h"

namespace fovea::ops {
namespace {

template <typename Input>
void conv2d_codes(const Conv2dCodesArgs<Input>& args) {
    const int quads = (args.in_channels + 3) / 4;
    for (int x = 0; x < args.output_width; ++x) {
        const std::int8_t* weights = args.weights;
        for (int first = 0; first < args.out_channels; first += 8) {
            std::int32_t sum[8];
            for (int lane = 0; lane < 8; ++lane) sum[lane] = args.bias[first + lane];
            for (int a = 0; a < args.kernel_height; ++a) {
                for (int b = 0; b < args.kernel_width; ++b, weights += static_cast<std::ptrdiff_t>(quads) * 32) {
                    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(x) * args.stride_x +
                                                  static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
                    const bool inside = args.rows[a] != nullptr && column >= 0 && column < args.input_width;
                    const Input* const input = inside ? args.rows[a] + column * args.input_stride : nullptr;
                    for (int i = 0; i < args.in_channels; ++i) {
                        const std::int32_t code = inside ? input[i] : args.input_zero[i];
                        const std::int8_t* const of_input = weights + i / 4 * 32 + i % 4;
                        for (int lane = 0; lane < 8; ++lane) sum[lane] += code * of_input[lane * 4];
                    }
                }
            }
            for (int lane = 0; lane < 8 && first + lane < args.out_channels; ++lane) {
                requantise(args.output, static_cast<std::size_t>(x), first + lane, sum[lane], args.requantisation);
            }
        }
    }
}

}  // namespace
}  // namespace fovea::ops
