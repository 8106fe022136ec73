// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea::ops {

// Element-wise functions that a kernel can apply to its result before storing it. The numbers are
// those of the model file (models/FORMAT.md).
enum class Activation : std::uint8_t {
    kNone = 0,
    kRelu = 1,           // max(x, 0)
    kRelu6 = 2,          // min(max(x, 0), 6)
    kHardSigmoid = 3,    // relu6(x + 3) * (1/6)            (MobileNetV3; Keras 3 "hard_sigmoid")
    kHardSwish = 4,      // x * hard_sigmoid(x)
    kSigmoid = 5,        // 1 / (1 + exp(-x))
    kHardSigmoidKeras2 = 6,  // clip(0.2 x + 0.5, 0, 1)     (Keras 2 string "hard_sigmoid")
    kSwish = 7,          // x * sigmoid(x)
    kTanh = 8,
    kLeakyRelu = 9,      // x < 0 ? parameter * x : x
    kElu = 10,           // x < 0 ? parameter * (exp(x) - 1) : x
    kGelu = 11,          // x * (1 + erf(x / sqrt 2)) / 2
    kSoftplus = 12,      // log(1 + exp(x))
};
inline constexpr int kActivationCount = 13;

// The ones that the convolution kernels fuse; a planner runs any other as a step of its own.
inline constexpr bool is_fusable(Activation a) {
    return a == Activation::kNone || a == Activation::kRelu || a == Activation::kRelu6 ||
           a == Activation::kHardSigmoid || a == Activation::kHardSwish;
}

}  // namespace fovea::ops
