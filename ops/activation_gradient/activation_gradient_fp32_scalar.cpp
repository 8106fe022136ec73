// SPDX-License-Identifier: Apache-2.0
// gradient [count]
// known    [count], y = activation(x) or x
// output   [count]
//
//   output[k] = gradient[k] * activation'(x[k])
//
// The derivatives from the result y: relu y > 0; relu6 0 < y < 6; hard sigmoid 0 < y < 1 times its slope; sigmoid y (1 - y);
// tanh 1 - y^2; elu y + alpha where y <= 0; softplus 1 - exp(-y).
#include <cmath>

#include "ops/activation_gradient/activation_gradient.h"

namespace fovea::ops {
namespace {

float swish_derivative(float x) {
    const double sigmoid = 1.0 / (1.0 + std::exp(-static_cast<double>(x)));
    return std::isinf(x) ? (x < 0.0f ? 0.0f : 1.0f) : static_cast<float>(sigmoid * (1.0 + x * (1.0 - sigmoid)));
}

float gelu_derivative(float value) {
    if (std::isinf(value)) return value < 0.0f ? 0.0f : 1.0f;
    const double x = value;
    const double density = std::exp(-0.5 * x * x) * 0.39894228040143267794;
    return static_cast<float>(0.5 * std::erfc(-x * 0.70710678118654752440) + x * density);
}

float derivative(Activation activation, float parameter, float known) {
    switch (activation) {
        case Activation::kNone:
            return 1.0f;
        case Activation::kRelu:
            return known > 0.0f ? 1.0f : 0.0f;
        case Activation::kRelu6:
            return known > 0.0f && known < 6.0f ? 1.0f : 0.0f;
        case Activation::kHardSigmoid:
            return known > 0.0f && known < 1.0f ? 1.0f / 6.0f : 0.0f;
        case Activation::kHardSigmoidKeras2:
            return known > 0.0f && known < 1.0f ? 0.2f : 0.0f;
        case Activation::kHardSwish: {
            const float ramp = known > -3.0f ? (known < 3.0f ? (known + 3.0f) * (1.0f / 6.0f) : 1.0f) : 0.0f;
            return known > -3.0f && known < 3.0f ? ramp + known * (1.0f / 6.0f) : ramp;
        }
        case Activation::kSigmoid:
            return known * (1.0f - known);
        case Activation::kSwish:
            return swish_derivative(known);
        case Activation::kTanh:
            return 1.0f - known * known;
        case Activation::kLeakyRelu:
            return known > 0.0f ? 1.0f : parameter;
        case Activation::kElu:
            if (known > 0.0f) return 1.0f;
            return derivative_needs_input(activation, parameter)
                       ? static_cast<float>(parameter * std::exp(static_cast<double>(known)))
                       : known + parameter;
        case Activation::kGelu:
            return gelu_derivative(known);
        case Activation::kSoftplus:
            return static_cast<float>(-std::expm1(-static_cast<double>(known)));
    }
    return 1.0f;
}

}  // namespace

void activation_gradient_fp32_scalar(const ActivationGradientFp32Args& args) {
    for (std::size_t k = 0; k < args.count; ++k) {
        args.output[k] = args.gradient[k] * derivative(args.activation, args.parameter, args.known[k]);
    }
}

}  // namespace fovea::ops
