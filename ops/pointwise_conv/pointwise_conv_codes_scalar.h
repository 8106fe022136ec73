// SPDX-License-Identifier: Apache-2.0
#pragma once

// The specification of the 1x1 convolution of codes.
//   input [pixels][in_channels], weights [panels][quads][8][4], bias [panels][8], output [pixels][out_channels],
//   panels = ceil(out_channels / 8), quads = ceil(in_channels / 4)
//   output[p][o] = requantised(bias[o] + sum_i input[p][i] * weight[i][o])
#include "ops/codes_scalar.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

template <typename Input>
void pointwise_conv_codes(const PointwiseConvCodesArgs<Input>& args) {
    const int quads = (args.in_channels + 3) / 4;
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const Input* const input = args.input + static_cast<std::ptrdiff_t>(p) * args.input_stride;
        const std::int8_t* weights = args.weights;
        for (int first = 0; first < args.out_channels; first += 8) {
            std::int32_t sum[8];
            for (int lane = 0; lane < 8; ++lane) sum[lane] = args.bias[first + lane];
            for (int quad = 0; quad < quads; ++quad, weights += 32) {
                for (int k = 0; k < 4 && quad * 4 + k < args.in_channels; ++k) {
                    const std::int32_t code = input[quad * 4 + k];
                    for (int lane = 0; lane < 8; ++lane) sum[lane] += code * weights[lane * 4 + k];
                }
            }
            for (int lane = 0; lane < 8 && first + lane < args.out_channels; ++lane) {
                requantise(args.output, p, first + lane, sum[lane], args.requantisation);
            }
        }
    }
}

}  // namespace
}  // namespace fovea::ops
