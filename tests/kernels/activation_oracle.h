// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "kernel_check.h"
#include "ops/activation.h"

namespace fovea::test {

inline constexpr fovea::ops::Activation kFusableActivations[] = {
    fovea::ops::Activation::kNone, fovea::ops::Activation::kRelu, fovea::ops::Activation::kRelu6,
    fovea::ops::Activation::kHardSigmoid, fovea::ops::Activation::kHardSwish};

// A fusable activation in double precision, and the magnitude that its rounding errors scale with.
inline Expected activated(Expected sum, fovea::ops::Activation activation) {
    using fovea::ops::Activation;
    const double x = sum.value;
    const double relu6 = std::min(std::max(x + 3.0, 0.0), 6.0);
    switch (activation) {
        case Activation::kRelu:
            return {std::max(x, 0.0), sum.magnitude};
        case Activation::kRelu6:
            return {std::min(std::max(x, 0.0), 6.0), sum.magnitude};
        // Adding 3 rounds at the scale of 3 even if x is tiny.
        case Activation::kHardSigmoid:
            return {relu6 / 6.0, sum.magnitude + 3.0};
        case Activation::kHardSwish:
            return {x * relu6 / 6.0, sum.magnitude + (x < 3.0 && x > -3.0 ? 1.5 : 0.0)};
        default:
            return sum;
    }
}

}  // namespace fovea::test
