// SPDX-License-Identifier: Apache-2.0
#include "ops/activation/activation.h"

#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <cstdio>
#include <limits>

#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_activation_fp32(fovea::ops::kActivationFp32);

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::ActivationFp32Args;

constexpr float kParameter = 0.3f;

// exp() of the vector kernels gives infinity from 88.38 on, half a unit before the true one would
// leave the floats; sigmoid and swish are 0 beyond it, where the true values are below this.
constexpr double kUnderflow = 1e-36;

struct Function {
    Activation activation;
    const char* name;
    // Largest error that a variant may have, in units in the last place of the true value. Zero
    // means the scalar kernel's bits: the piecewise linear ones.
    double allowed_ulp;
};
constexpr Function kFunctions[] = {
    {Activation::kNone, "none", 0},
    {Activation::kRelu, "relu", 0},
    {Activation::kRelu6, "relu6", 0},
    {Activation::kHardSigmoid, "hard_sigmoid", 0},
    {Activation::kHardSwish, "hard_swish", 0},
    {Activation::kSigmoid, "sigmoid", 4},
    {Activation::kHardSigmoidKeras2, "hard_sigmoid_keras2", 0},
    {Activation::kSwish, "swish", 4},
    {Activation::kTanh, "tanh", 2},
    {Activation::kLeakyRelu, "leaky_relu", 0},
    {Activation::kElu, "elu", 2},
    {Activation::kGelu, "gelu", 1},
    {Activation::kSoftplus, "softplus", 1},
};
static_assert(sizeof(kFunctions) / sizeof(kFunctions[0]) == fovea::ops::kActivationCount);

// The formulas of ops/activation.h in double.
double exact(Activation activation, float value) {
    const double x = value;
    const double parameter = kParameter;
    const double ramp = std::fmin(std::fmax(x + 3.0, 0.0), 6.0);
    switch (activation) {
        case Activation::kNone:
            return x;
        case Activation::kRelu:
            return std::fmax(x, 0.0);
        case Activation::kRelu6:
            return std::fmin(std::fmax(x, 0.0), 6.0);
        case Activation::kHardSigmoid:
            return ramp / 6.0;
        case Activation::kHardSwish:
            return x * ramp / 6.0;
        case Activation::kSigmoid:
            return 1.0 / (1.0 + std::exp(-x));
        case Activation::kHardSigmoidKeras2:
            return std::fmin(std::fmax(0.2 * x + 0.5, 0.0), 1.0);
        case Activation::kSwish:
            return x / (1.0 + std::exp(-x));
        case Activation::kTanh:
            return std::tanh(x);
        case Activation::kLeakyRelu:
            return x < 0.0 ? parameter * x : x;
        case Activation::kElu:
            return x < 0.0 ? parameter * std::expm1(x) : x;
        case Activation::kGelu:
            return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
        case Activation::kSoftplus:
            return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    }
    return 0.0;
}

// Distance between neighbouring floats at |value|, no less than among the smallest normal ones.
double ulp(double value) {
    int exponent = 0;
    std::frexp(std::fmax(std::fabs(value), static_cast<double>(FLT_MIN)), &exponent);
    return std::ldexp(1.0, exponent - FLT_MANT_DIG);
}

void run(Checker& checker, const fovea::ops::KernelVariant<fovea::ops::ActivationFp32Function>& k,
         Activation activation, const float* input, float* output, std::size_t count) {
    checker.run(k.name, [&] { k.function({input, output, count, activation, kParameter}); });
}

}  // namespace

TEST_CASE("activation: error over the whole range of floats") {
    // Every 20011th float of either sign, which is 212,000 of them.
    std::vector<float> input;
    for (std::uint64_t bits = 0; bits <= 0xff800000u; bits += 20011) {
        const std::uint32_t word = static_cast<std::uint32_t>(bits);
        float value;
        std::memcpy(&value, &word, sizeof value);
        if (std::isfinite(value)) input.push_back(value);
    }
    // And densely where the functions bend.
    for (int k = -30000; k <= 30000; ++k) input.push_back(static_cast<float>(k) * 0.004f);
    std::vector<float> output(input.size());
    std::vector<float> scalar(input.size());
    std::vector<double> wanted(input.size());
    const auto& table = fovea::ops::kActivationFp32;
    for (const Function& f : kFunctions) {
        Checker checker;
        checker.shape("activation=%s", f.name);
        run(checker, table.variants[table.count - 1], f.activation, input.data(), scalar.data(),
            input.size());
        for (std::size_t k = 0; k < input.size(); ++k) wanted[k] = exact(f.activation, input[k]);
        for (const auto& kernel : runnable_variants(table)) {
            run(checker, kernel, f.activation, input.data(), output.data(), input.size());
            double worst = 0.0;
            float where = 0.0f;
            for (std::size_t k = 0; k < input.size(); ++k) {
                const double want = wanted[k];
                if (f.allowed_ulp == 0) {
                    checker.compare_value(k, output[k] == scalar[k], 1);
                    // Three roundings, and the scale of the constants that are added.
                    const double scale = std::fmax(std::fabs(static_cast<double>(input[k])), 6.0);
                    const double error = std::fabs(static_cast<double>(output[k]) - want);
                    checker.compare_value(k, error <= 3.0 * FLT_EPSILON * scale, 1);
                    continue;
                }
                const double difference = std::fabs(static_cast<double>(output[k]) - want);
                const double error = difference <= kUnderflow ? 0.0 : difference / ulp(want);
                checker.compare_value(k, error <= f.allowed_ulp, 1);
                if (!(error <= worst)) {
                    worst = error;
                    where = input[k];
                }
            }
            if (f.allowed_ulp != 0) {
                std::printf("%s %s: at most %.2f units in the last place, at %.9g\n", kernel.name,
                            f.name, worst, static_cast<double>(where));
            }
        }
    }
}

TEST_CASE("activation: zeros, infinities and NaN") {
    const float infinity = std::numeric_limits<float>::infinity();
    const auto& table = fovea::ops::kActivationFp32;
    Checker checker;
    for (const Function& f : kFunctions) {
        checker.shape("activation=%s", f.name);
        for (const auto& kernel : runnable_variants(table)) {
            const float input[9] = {-infinity, -FLT_MAX, -1.0f,    -0.0f,        0.0f,
                                    1.0f,      FLT_MAX,  infinity, std::nanf("")};
            float output[9];
            run(checker, kernel, f.activation, input, output, 9);
            float want[9];
            for (int k = 0; k < 9; ++k) want[k] = static_cast<float>(exact(f.activation, input[k]));
            // Limits where the formula has 0 * infinity; -infinity * 0 of hard-swish stays a NaN,
            // as in the fused kernels.
            if (f.activation == Activation::kSwish || f.activation == Activation::kGelu) {
                want[0] = 0.0f;
            }
            want[8] = std::nanf("");
            for (std::size_t k = 0; k < 9; ++k) {
                const bool good =
                    std::isnan(want[k]) ? std::isnan(output[k])
                    : std::isinf(want[k])
                        ? output[k] == want[k]
                        : std::fabs(output[k] - want[k]) <= 4.0f * FLT_EPSILON * std::fabs(want[k]);
                if (!good) {
                    std::printf("%s(%g) = %g, expected %g\n", f.name, static_cast<double>(input[k]),
                                static_cast<double>(output[k]), static_cast<double>(want[k]));
                }
                checker.compare_value(k, good, 1);
            }
        }
    }
}

TEST_CASE("activation: every count around a register, in place or not, whatever the place") {
    Checker checker;
    const auto& table = fovea::ops::kActivationFp32;
    for (const Function& f : kFunctions) {
        for (const auto& kernel : runnable_variants(table)) {
            for (int count = 1; count <= 26; ++count) {
                for (const int offset : {0, 1}) {
                    for (const bool in_place : {false, true}) {
                        checker.shape("activation=%s count=%d offset=%d place=%d", f.name, count,
                                      offset, in_place);
                        const std::size_t size = static_cast<std::size_t>(count);
                        GuardedArray<float> input(size, static_cast<std::size_t>(offset));
                        Random random = checker.random();
                        for (std::size_t k = 0; k < size; ++k) input[k] = 8.0f * random.uniform();
                        input.make_read_only();
                        OutputRows output(1, size, size, static_cast<std::size_t>(offset));
                        if (in_place) {
                            for (std::size_t k = 0; k < size; ++k) output.at(0, k) = input[k];
                        }
                        run(checker, kernel, f.activation, in_place ? output.data() : input.data(),
                            output.data(), size);
                        // Each element by itself must give the same bits.
                        std::vector<float> alone(size);
                        for (std::size_t k = 0; k < size; ++k) {
                            run(checker, kernel, f.activation, &input[k], &alone[k], 1);
                        }
                        checker.compare_equal(output, alone.data(), count);
                    }
                }
            }
        }
    }
}
