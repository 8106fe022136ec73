// SPDX-License-Identifier: Apache-2.0
#include "ops/activation_gradient/activation_gradient.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel_check.h"
#include "ops/activation/activation.h"

namespace {

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::ActivationGradientFp32Args;
using fovea::ops::derivative_needs_input;
using fovea::ops::kActivationGradientFp32;

const ComparesTable compares_activation_gradient_fp32(kActivationGradientFp32);

// The formulas in double, of what goes in.
double activated(Activation activation, double parameter, double x) {
    switch (activation) {
        case Activation::kNone:
            return x;
        case Activation::kRelu:
            return std::max(x, 0.0);
        case Activation::kRelu6:
            return std::clamp(x, 0.0, 6.0);
        case Activation::kHardSigmoid:
            return std::clamp(x + 3, 0.0, 6.0) / 6;
        case Activation::kHardSwish:
            return x * std::clamp(x + 3, 0.0, 6.0) / 6;
        case Activation::kSigmoid:
            return 1 / (1 + std::exp(-x));
        case Activation::kHardSigmoidKeras2:
            return std::clamp(0.2 * x + 0.5, 0.0, 1.0);
        case Activation::kSwish:
            return x / (1 + std::exp(-x));
        case Activation::kTanh:
            return std::tanh(x);
        case Activation::kLeakyRelu:
            return x < 0 ? parameter * x : x;
        case Activation::kElu:
            return x < 0 ? parameter * std::expm1(x) : x;
        case Activation::kGelu:
            return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
        case Activation::kSoftplus:
            return std::log1p(std::exp(x));
    }
    return 0;
}

constexpr Activation kAll[] = {Activation::kNone,      Activation::kRelu,  Activation::kRelu6, Activation::kHardSigmoid,
                               Activation::kHardSwish, Activation::kSigmoid, Activation::kHardSigmoidKeras2,
                               Activation::kSwish,     Activation::kTanh,  Activation::kLeakyRelu,
                               Activation::kElu,       Activation::kGelu,  Activation::kSoftplus};

// What the kernel is given of x.
float known(Activation activation, float parameter, float x) {
    if (derivative_needs_input(activation, parameter)) return x;
    float y = 0;
    fovea::ops::activation_fp32_scalar({&x, &y, 1, activation, parameter});
    return y;
}

void check(Checker& checker, Activation activation, float parameter, int count, int offset, bool in_place) {
    checker.shape("activation=%d parameter=%g count=%d offset=%d place=%d", static_cast<int>(activation),
                  static_cast<double>(parameter), count, offset, in_place);
    const auto size = static_cast<std::size_t>(count);
    Random random = checker.random();
    GuardedArray<float> gradient(size, static_cast<std::size_t>(offset)), given(size, static_cast<std::size_t>(offset));
    std::vector<Expected> expected;
    for (std::size_t k = 0; k < size; ++k) {
        gradient[k] = random.uniform();
        const float x = random.uniform() * 8.0f;
        given[k] = known(activation, parameter, x);
        constexpr double kStep = 1e-5;
        const double above = activated(activation, static_cast<double>(parameter), x + kStep);
        const double slope = (above - activated(activation, static_cast<double>(parameter), x - kStep)) / (2 * kStep);
        expected.push_back({gradient[k] * slope, std::fabs(static_cast<double>(gradient[k]))});
    }
    gradient.make_read_only();
    given.make_read_only();
    std::vector<float> scalar(size);
    ActivationGradientFp32Args args = {gradient.data(), given.data(), scalar.data(), size, activation, parameter};
    fovea::ops::activation_gradient_fp32_scalar(args);
    for (const auto& kernel : runnable_variants(kActivationGradientFp32)) {
        OutputRows output(1, size, size, static_cast<std::size_t>(offset));
        args.gradient = gradient.data();
        if (in_place) {
            std::copy_n(gradient.data(), size, output.data());
            args.gradient = output.data();
        }
        args.output = output.data();
        if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
        // From a result that was rounded: 4 units of 1 at the most, and a few roundings of the derivative.
        checker.compare(output, expected, 8);
        checker.compare_equal(output, scalar.data(), count);
    }
}

}  // namespace

TEST_CASE("activation gradient: every activation against differences, counts around a register") {
    Checker checker;
    int turn = 0;
    for (const Activation activation : kAll) {
        for (const float parameter : {0.3f, 0.0f, -0.2f}) {
            if (parameter != 0.3f && activation != Activation::kLeakyRelu && activation != Activation::kElu) continue;
            for (const int count : {1, 3, 4, 7, 8, 9, 31, 64, 200}) {
                check(checker, activation, parameter, count, turn % 2, turn / 2 % 2 == 0);
                ++turn;
            }
        }
    }
}

TEST_CASE("activation gradient: TensorFlow's side of every kink") {
    struct Kink {
        Activation activation;
        float parameter, x, slope;
    };
    const Kink kinks[] = {
        {Activation::kRelu, 0, 0.0f, 0.0f},          {Activation::kRelu, 0, -0.0f, 0.0f},
        {Activation::kRelu6, 0, 0.0f, 0.0f},         {Activation::kRelu6, 0, 6.0f, 0.0f},
        {Activation::kHardSigmoid, 0, -3.0f, 0.0f},  {Activation::kHardSigmoid, 0, 3.0f, 0.0f},
        {Activation::kHardSwish, 0, -3.0f, 0.0f},    {Activation::kHardSwish, 0, 3.0f, 1.0f},
        {Activation::kHardSwish, 0, 0.0f, 0.5f},     {Activation::kLeakyRelu, 0.25f, 0.0f, 0.25f},
        {Activation::kLeakyRelu, -0.25f, 0.0f, -0.25f}, {Activation::kElu, 0.5f, 0.0f, 0.5f},
        {Activation::kElu, -0.5f, 0.0f, -0.5f},      {Activation::kSwish, 0, -std::numeric_limits<float>::infinity(), 0.0f},
        {Activation::kGelu, 0, std::numeric_limits<float>::infinity(), 1.0f}};
    Checker checker;
    for (const Kink& kink : kinks) {
        checker.shape("activation=%d x=%g", static_cast<int>(kink.activation), static_cast<double>(kink.x));
        // A whole register of them, and a rest.
        constexpr std::size_t kCount = 11;
        const std::vector<float> gradient(kCount, 2.0f);
        const std::vector<float> given(kCount, known(kink.activation, kink.parameter, kink.x));
        const std::vector<float> expected(kCount, 2.0f * kink.slope);
        for (const auto& kernel : runnable_variants(kActivationGradientFp32)) {
            OutputRows output(1, kCount, kCount);
            const ActivationGradientFp32Args args = {gradient.data(), given.data(), output.data(), kCount, kink.activation,
                                                     kink.parameter};
            if (checker.run(kernel.name, [&] { kernel.function(args); })) checker.compare_equal(output, expected.data(), kCount);
        }
    }
}
