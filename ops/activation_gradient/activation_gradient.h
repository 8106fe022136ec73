// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// What of an activation its derivative is worked out from: the result where that is enough, so that what went in need
// not be kept; else what went in.
inline constexpr bool derivative_needs_input(Activation activation, float parameter) {
    switch (activation) {
        case Activation::kHardSwish:
        case Activation::kSwish:
        case Activation::kGelu:
            return true;  // two inputs give the same result
        case Activation::kLeakyRelu:
        case Activation::kElu:
            return !(parameter > 0.0f);  // the results of both sides overlap
        default:
            return false;
    }
}

// output[k] = gradient[k] * activation'(x[k]) for count contiguous floats, x what went into the activation. known[k] is
// x[k] where derivative_needs_input(), else activation(x[k]). Where the derivative jumps it is TensorFlow's: relu 0 at 0,
// relu6 0 at 0 and 6, the hard sigmoids 0 at both ends, leaky relu and elu that of the side of x <= 0 at 0,
// hard swish 0 at -3 and 1 at 3 (of x * relu6(x + 3) / 6, whose ramp has no slope there).
// output may equal gradient; it overlaps nothing else. Each element depends on its own inputs alone.
struct ActivationGradientFp32Args {
    const float* gradient;
    const float* known;
    float* output;
    std::size_t count;
    Activation activation;
    float parameter;  // slope of kLeakyRelu, alpha of kElu
};
using ActivationGradientFp32Function = void (*)(const ActivationGradientFp32Args&);

void activation_gradient_fp32_scalar(const ActivationGradientFp32Args&);
void activation_gradient_fp32_avx2(const ActivationGradientFp32Args&);
void activation_gradient_fp32_neon(const ActivationGradientFp32Args&);
extern const KernelTable<ActivationGradientFp32Function> kActivationGradientFp32;
template <>
struct TableOf<ActivationGradientFp32Args> {
    static constexpr const auto& kTable = kActivationGradientFp32;
};

}  // namespace fovea::ops
