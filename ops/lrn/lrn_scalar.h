// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <math.h>

#include "ops/lrn/lrn.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

inline float lrn_power(float base, float beta) {
    if (beta == 1.0f) return base;
    if (beta == 0.5f) return __builtin_sqrtf(base);
    if (beta == 0.75f) return __builtin_sqrtf(base) * __builtin_sqrtf(__builtin_sqrtf(base));
    return powf(base, beta);
}

// Channel c of the pixel at input.
inline float lrn_element(const LrnFp32Args& args, const float* input, int c) {
    const int first = c - args.radius > 0 ? c - args.radius : 0;
    const int last = args.radius < args.channels - 1 - c ? c + args.radius : args.channels - 1;
    float sum = 0;
    for (int k = first; k <= last; ++k) sum += input[k] * input[k];
    return input[c] / lrn_power(args.bias + args.alpha * sum, args.beta);
}

}  // namespace
}  // namespace fovea::ops
