// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fovea::ops {

// output[k] = softmax[k] * (gradient[k] - sum_j gradient[j] * softmax[j]) over count >= 1 floats, softmax what softmax_fp32() gave.
// Sums in double. output may equal gradient.
void softmax_gradient_fp32(const float* softmax, const float* gradient, float* output, int count);

}  // namespace fovea::ops
