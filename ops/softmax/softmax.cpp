// SPDX-License-Identifier: Apache-2.0
// input, output [count]
//
//   output[k] = exp(input[k] / temperature - m) / sum_j exp(input[j] / temperature - m)
//   m = max_j input[j] / temperature
//
// A NaN or a +infinity among the inputs makes every output NaN; a -infinity beside a finite value
// gets 0.
#include "ops/softmax/softmax.h"

#include <cmath>

namespace fovea::ops {

void softmax_fp32(const float* input, float* output, int count, float temperature) {
    const double scale = temperature;
    double maximum = input[0] / scale;
    for (int k = 1; k < count; ++k) {
        if (input[k] / scale > maximum) maximum = input[k] / scale;
    }
    double sum = 0.0;
    for (int k = 0; k < count; ++k) sum += std::exp(input[k] / scale - maximum);
    for (int k = 0; k < count; ++k) {
        output[k] = static_cast<float>(std::exp(input[k] / scale - maximum) / sum);
    }
}

}  // namespace fovea::ops
