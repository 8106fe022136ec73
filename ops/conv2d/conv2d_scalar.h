// SPDX-License-Identifier: Apache-2.0
#pragma once

// The specification of the general convolution, one output row.
//   rows    kernel_height x [input_width][in_channels], null where the row is padding
//   weights [groups][panels][kernel_height][kernel_width][in_group][8], bias [groups][panels][8],
//   output  [output_width][out_channels], out_group = out_channels / groups,
//   in_group = in_channels / groups, panels = ceil(out_group / 8)
//   output[x][o] = activation(bias[o] + sum_{a, b, i}
//       row[a][x * stride_x + b * dilation_x - pad_left][g * in_group + i] * weight[a][b][i][o])
//   the sum in float32; it and the activation's result rounded to their type
#include "ops/activation/fused_activation_scalar.h"
#include "ops/conv2d/conv2d.h"
#include "ops/half_scalar.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

template <typename Element>
void conv2d_scalar(const Conv2dArgs<Element>& args) {
    const int in_group = args.in_channels / args.groups;
    const int out_group = args.out_channels / args.groups;
    const int panels = (out_group + 7) / 8;
    const std::ptrdiff_t panel_size =
        static_cast<std::ptrdiff_t>(args.kernel_height) * args.kernel_width * in_group * 8;
    for (int x = 0; x < args.output_width; ++x) {
        Element* output = args.output + x * args.output_stride;
        const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
        for (int g = 0; g < args.groups; ++g) {
            for (int panel = 0; panel < panels; ++panel) {
                const std::ptrdiff_t packed = static_cast<std::ptrdiff_t>(g) * panels + panel;
                const Element* weights = args.weights + packed * panel_size;
                float sum[8];
                for (int lane = 0; lane < 8; ++lane) {
                    sum[lane] = load_element(args.bias[packed * 8 + lane]);
                }
                for (int a = 0; a < args.kernel_height; ++a) {
                    if (args.rows[a] == nullptr) continue;
                    for (int b = 0; b < args.kernel_width; ++b) {
                        const std::ptrdiff_t column =
                            left + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
                        if (column < 0 || column >= args.input_width) continue;
                        const Element* input =
                            args.rows[a] + column * args.input_stride + g * in_group;
                        const Element* tap = weights + (a * args.kernel_width + b) *
                                                           static_cast<std::ptrdiff_t>(in_group) *
                                                           8;
                        for (int i = 0; i < in_group; ++i, tap += 8) {
                            const float value = load_element(input[i]);
                            for (int lane = 0; lane < 8; ++lane) {
                                sum[lane] += value * load_element(tap[lane]);
                            }
                        }
                    }
                }
                for (int lane = 0; lane < 8 && panel * 8 + lane < out_group; ++lane) {
                    store_element(
                        output[g * out_group + panel * 8 + lane],
                        fused_activation(rounded_to<Element>(sum[lane]), args.activation));
                }
            }
        }
    }
}

}  // namespace
}  // namespace fovea::ops
