// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/activation.h"

// Only scalar kernel files include this: static, so that nothing compiled for one instruction set
// can be linked in place of another's.
namespace fovea::ops {
namespace {

// The activations that is_fusable() accepts, on one value. NaN stays NaN in all of them.
inline float fused_activation(float x, Activation activation) {
    const auto relu6 = [](float v) {
        const float low = v < 0.0f ? 0.0f : v;
        return low > 6.0f ? 6.0f : low;
    };
    switch (activation) {
        case Activation::kRelu:
            return x < 0.0f ? 0.0f : x;
        case Activation::kRelu6:
            return relu6(x);
        case Activation::kHardSigmoid:
            return relu6(x + 3.0f) * (1.0f / 6.0f);
        case Activation::kHardSwish:
            return x * (relu6(x + 3.0f) * (1.0f / 6.0f));
        default:
            return x;
    }
}

}  // namespace
}  // namespace fovea::ops
