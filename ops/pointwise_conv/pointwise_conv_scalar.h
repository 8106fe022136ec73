// SPDX-License-Identifier: Apache-2.0
#pragma once

// The specification of the 1x1 convolution.
//   input [pixels][in_channels], weights [panels][in_channels][8], bias [panels][8],
//   residual and output [pixels][out_channels], panels = ceil(out_channels / 8)
//   output[p][o] = activation(bias[o] + sum_i input[p][i] * weight[i][o] + residual[p][o])
//   the sum in float32; it and the two results after it rounded to their type
#include "ops/activation/fused_activation_scalar.h"
#include "ops/half_scalar.h"
#include "ops/pointwise_conv/pointwise_conv.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

template <typename Element>
void pointwise_conv_scalar(const PointwiseConvArgs<Element>& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const auto pixel = static_cast<std::ptrdiff_t>(p);
        const Element* input = args.input + pixel * args.input_stride;
        Element* output = args.output + pixel * args.output_stride;
        const Element* weights = args.weights;
        for (int first = 0; first < args.out_channels; first += 8) {
            float sum[8];
            for (int lane = 0; lane < 8; ++lane) sum[lane] = load_element(args.bias[first + lane]);
            for (int i = 0; i < args.in_channels; ++i, weights += 8) {
                const float value = load_element(input[i]);
                for (int lane = 0; lane < 8; ++lane)
                    sum[lane] += value * load_element(weights[lane]);
            }
            for (int lane = 0; lane < 8 && first + lane < args.out_channels; ++lane) {
                const int o = first + lane;
                float result = rounded_to<Element>(sum[lane]);
                if (args.residual != nullptr) {
                    result += load_element(args.residual[pixel * args.residual_stride + o]);
                    result = rounded_to<Element>(result);
                }
                store_element(output[o], fused_activation(result, args.activation));
            }
        }
    }
}

}  // namespace
}  // namespace fovea::ops
