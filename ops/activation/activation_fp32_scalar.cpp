// SPDX-License-Identifier: Apache-2.0
// input  [count]
// output [count]
//
//   output[k] = activation(input[k])
//
// The smooth functions go through double, so that each is the correctly rounded value but for rare
// ties: this file is what the vector kernels' bounds are measured against.
#include <cmath>
#include <limits>

#include "ops/activation/activation.h"
#include "ops/activation/fused_activation_scalar.h"

namespace fovea::ops {
namespace {

// exp(x) by single operations alone, so that every CPU and C library gives the same bits: 2^k * exp(r), |r| <= ln 2 / 2, the
// series of exp(r) to an error below that of a double.
double exponential(double x) {
    if (!(x > -745.0)) return x != x ? x : 0.0;
    if (x > 709.0) return std::numeric_limits<double>::infinity();
    constexpr double kLog2E = 1.4426950408889634, kLn2High = 0x1.62e42fee00000p-1, kLn2Low = 0x1.a39ef35793c76p-33;
    const double k = std::nearbyint(x * kLog2E);
    const double r = (x - k * kLn2High) - k * kLn2Low;
    double sum = 1.0;
    for (int n = 14; n > 0; --n) sum = 1.0 + sum * r / n;
    return std::ldexp(sum, static_cast<int>(k));
}

double sigmoid(double x) {
    return 1.0 / (1.0 + exponential(-x));
}

// exp(-|x|) never overflows, and log1p keeps the small results exact.
double softplus(double x) {
    return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

float activate(Activation activation, float parameter, float value) {
    const double x = value;
    switch (activation) {
        case Activation::kSigmoid:
            return static_cast<float>(sigmoid(x));
        case Activation::kHardSigmoidKeras2: {
            const float line = 0.2f * value + 0.5f;
            const float positive = line < 0.0f ? 0.0f : line;
            return positive > 1.0f ? 1.0f : positive;
        }
        case Activation::kSwish:
            // The limit at -infinity is 0, where the product would be -infinity * 0.
            return std::isinf(value) ? (value < 0.0f ? 0.0f : value)
                                     : static_cast<float>(x * sigmoid(x));
        case Activation::kTanh:
            return static_cast<float>(std::tanh(x));
        case Activation::kLeakyRelu:
            return value < 0.0f ? parameter * value : value;
        case Activation::kElu:
            return value < 0.0f ? static_cast<float>(parameter * std::expm1(x)) : value;
        case Activation::kGelu:
            // erfc keeps the tail where 1 + erf would cancel; the limit at -infinity is 0.
            return std::isinf(value)
                       ? (value < 0.0f ? 0.0f : value)
                       : static_cast<float>(0.5 * x * std::erfc(-x * 0.70710678118654752440));
        case Activation::kSoftplus:
            return std::isnan(value) ? value : static_cast<float>(softplus(x));
        default:
            return fused_activation(value, activation);
    }
}

}  // namespace

void activation_fp32_scalar(const ActivationFp32Args& args) {
    for (std::size_t k = 0; k < args.count; ++k) {
        args.output[k] = activate(args.activation, args.parameter, args.input[k]);
    }
}

}  // namespace fovea::ops
