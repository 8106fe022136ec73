// SPDX-License-Identifier: Apache-2.0
// The specification of the 1x1 convolution.
//   input [pixels][in_channels], weights [panels][in_channels][8], bias [panels][8],
//   residual and output [pixels][out_channels], panels = ceil(out_channels / 8)
//   output[p][o] = activation(bias[o] + sum_i input[p][i] * weight[i][o] + residual[p][o])
#include "ops/activation/fused_activation_scalar.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {

void pointwise_conv_fp32_scalar(const PointwiseConvFp32Args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const auto pixel = static_cast<std::ptrdiff_t>(p);
        const float* input = args.input + pixel * args.input_stride;
        float* output = args.output + pixel * args.output_stride;
        const float* weights = args.weights;
        for (int first = 0; first < args.out_channels; first += 8) {
            float sum[8];
            for (int lane = 0; lane < 8; ++lane) sum[lane] = args.bias[first + lane];
            for (int i = 0; i < args.in_channels; ++i, weights += 8) {
                for (int lane = 0; lane < 8; ++lane) sum[lane] += input[i] * weights[lane];
            }
            for (int lane = 0; lane < 8 && first + lane < args.out_channels; ++lane) {
                const int o = first + lane;
                if (args.residual != nullptr) {
                    sum[lane] += args.residual[pixel * args.residual_stride + o];
                }
                output[o] = fused_activation(sum[lane], args.activation);
            }
        }
    }
}

}  // namespace fovea::ops
