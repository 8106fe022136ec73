// SPDX-License-Identifier: Apache-2.0
#include "ops/softmax/softmax_gradient.h"

namespace fovea::ops {

void softmax_gradient_fp32(const float* softmax, const float* gradient, float* output, int count) {
    double mean = 0;
    for (int k = 0; k < count; ++k) mean += static_cast<double>(gradient[k]) * softmax[k];
    for (int k = 0; k < count; ++k) output[k] = static_cast<float>(softmax[k] * (gradient[k] - mean));
}

}  // namespace fovea::ops
