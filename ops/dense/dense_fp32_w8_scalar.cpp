// SPDX-License-Identifier: Apache-2.0
// The specification of the fully connected layer with 8-bit weights; shapes and formula are in dense_fp32_w8.h.
#include <cstddef>

#include "ops/dense/dense_fp32_w8.h"

namespace fovea::ops {

void dense_fp32_w8_scalar(const DenseFp32W8Args& args) {
    for (int panel = args.panel_begin; panel < args.panel_end; ++panel) {
        const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * args.in_features * 8;
        float sum[4][8] = {};
        for (int i = 0; i < args.in_features; ++i, weights += 8) {
            for (int lane = 0; lane < 8; ++lane) sum[i % 4][lane] += args.input[i] * static_cast<float>(weights[lane]);
        }
        for (int lane = 0; lane < 8 && panel * 8 + lane < args.out_features; ++lane) {
            const int o = panel * 8 + lane;
            const float total = (sum[0][lane] + sum[1][lane]) + (sum[2][lane] + sum[3][lane]);
            args.output[o] = total * args.scale[o] + args.bias[o];
        }
    }
}

}  // namespace fovea::ops
