// SPDX-License-Identifier: Apache-2.0
#pragma once

// rows    kernel_height x [input_width][input_stride], null where the row is padding
// output  [output_width][output_stride]
// weights [kernel_height][kernel_width][channels rounded up to 8]
// bias    [channels rounded up to 8]
//
//   output[x][c] = activation( bias[c] + sum_{a, b} row[a][x * stride + b * dilation - pad_left][c]
//                                                   * weight[a][b][c] )
// the sum in float32; it and the activation's result rounded to their type.
#include <cmath>

#include "ops/activation/fused_activation_scalar.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/half_scalar.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

template <typename Element>
void depthwise_conv_scalar(const DepthwiseConvArgs<Element>& args) {
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    for (int x = 0; x < args.output_width; ++x) {
        Element* output = args.output + x * args.output_stride;
        for (int c = 0; c < args.channels; ++c) {
            float sum = load_element(args.bias[c]);
            for (int a = 0; a < args.kernel_height; ++a) {
                if (args.rows[a] == nullptr) continue;
                for (int b = 0; b < args.kernel_width; ++b) {
                    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(x) * args.stride_x +
                                                  static_cast<std::ptrdiff_t>(b) * args.dilation_x -
                                                  args.pad_left;
                    if (column < 0 || column >= args.input_width) continue;
                    const std::ptrdiff_t tap =
                        static_cast<std::ptrdiff_t>(a) * args.kernel_width + b;
                    sum = std::fma(load_element(args.rows[a][column * args.input_stride + c]),
                                   load_element(args.weights[tap * padded_channels + c]), sum);
                }
            }
            store_element(output[c], fused_activation(rounded_to<Element>(sum), args.activation));
        }
    }
}

}  // namespace
}  // namespace fovea::ops
