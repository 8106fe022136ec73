// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/activation.h"

namespace fovea::ops {

// The fusable activations, one value at a time: the specification that every vector kernel follows.
// For the scalar kernels only: an instruction-set file must not define (inline) functions that a
// baseline file could end up linking.
//
// NaN in gives NaN out. The comparisons are written so that they keep a NaN, as the vector kernels'
// max(0, x) and min(6, x) do with the constant as the first operand.
inline float relu6_scalar(float x) {
    const float positive = x < 0.0f ? 0.0f : x;
    return positive > 6.0f ? 6.0f : positive;
}

inline float fused_activation_scalar(Activation activation, float x) {
    switch (activation) {
        case Activation::kRelu:
            return x < 0.0f ? 0.0f : x;
        case Activation::kRelu6:
            return relu6_scalar(x);
        case Activation::kHardSigmoid:
            return relu6_scalar(x + 3.0f) * (1.0f / 6.0f);
        case Activation::kHardSwish:
            return x * (relu6_scalar(x + 3.0f) * (1.0f / 6.0f));
        default:
            return x;
    }
}

}  // namespace fovea::ops
