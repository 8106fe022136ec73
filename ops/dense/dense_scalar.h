// SPDX-License-Identifier: Apache-2.0
#pragma once

// The specification of the fully connected layer.
//   input [in_features], weights [panels][in_features][8], bias [panels][8], output [out_features],
//   panels = ceil(out_features / 8)
//   output[o] = bias[o] + sum_i input[i] * weight[i][o]
#include <cstddef>

#include "ops/dense/dense.h"
#include "ops/half_scalar.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

template <typename Weight>
void dense_scalar(const DenseArgs<Weight>& args) {
    for (int panel = args.panel_begin; panel < args.panel_end; ++panel) {
        const Weight* weights =
            args.weights + static_cast<std::ptrdiff_t>(panel) * args.in_features * 8;
        float sum[4][8] = {};
        for (int lane = 0; lane < 8; ++lane) sum[0][lane] = args.bias[panel * 8 + lane];
        for (int i = 0; i < args.in_features; ++i, weights += 8) {
            for (int lane = 0; lane < 8; ++lane) {
                sum[i % 4][lane] += args.input[i] * load_element(weights[lane]);
            }
        }
        for (int lane = 0; lane < 8 && panel * 8 + lane < args.out_features; ++lane) {
            args.output[panel * 8 + lane] =
                (sum[0][lane] + sum[1][lane]) + (sum[2][lane] + sum[3][lane]);
        }
    }
}

}  // namespace
}  // namespace fovea::ops
