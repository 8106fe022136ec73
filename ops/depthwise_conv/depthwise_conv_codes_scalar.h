// SPDX-License-Identifier: Apache-2.0
#pragma once

// The specification of the depthwise convolution of codes; shapes and formula are in depthwise_conv_codes.h.
#include "ops/codes_scalar.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"

namespace fovea::ops {
namespace {

template <typename Input>
void depthwise_conv_codes(const DepthwiseConvCodesArgs<Input>& args) {
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    for (int x = 0; x < args.output_width; ++x) {
        for (int c = 0; c < args.channels; ++c) {
            std::int32_t sum = args.bias[c];
            const std::int8_t* weight = args.weights + c;
            for (int a = 0; a < args.kernel_height; ++a) {
                for (int b = 0; b < args.kernel_width; ++b, weight += padded_channels) {
                    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(x) * args.stride_x +
                                                  static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
                    const bool inside = args.rows[a] != nullptr && column >= 0 && column < args.input_width;
                    const std::int32_t code = inside ? args.rows[a][column * args.input_stride + c] : args.input_zero[c];
                    sum += code * *weight;
                }
            }
            requantise(args.output, static_cast<std::size_t>(x), c, sum, args.requantisation);
        }
    }
}

}  // namespace
}  // namespace fovea::ops
