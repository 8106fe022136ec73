// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace fovea::ops {

// What reaches the input of a local response normalisation (lrn.h), with d_c = bias + alpha * sum of the squares near c:
//
//   output_c = gradient_c / d_c^beta - 2 alpha beta input_c * sum over k near c of gradient_k input_k / d_k^(beta + 1)
//
// All float32, channels innermost, packed; output overlaps nothing. Scalar, in double: nets of the time that used it are small.
struct LrnGradientArgs {
    const float* gradient;  // [pixels][channels]
    const float* input;     // [pixels][channels]
    float* output;          // [pixels][channels]
    float* scratch;         // [channels]
    std::size_t pixels;
    int channels;
    int radius;
    float bias, alpha, beta;
};

void lrn_gradient_fp32(const LrnGradientArgs& args);

}  // namespace fovea::ops
