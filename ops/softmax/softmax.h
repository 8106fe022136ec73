// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fovea::ops {

// output[k] = exp(input[k] / temperature - m) / sum, m the maximum, over count >= 1 floats. Sums in
// double: a handful of classes, so there is no vector variant. output may equal input.
void softmax_fp32(const float* input, float* output, int count, float temperature);

}  // namespace fovea::ops
