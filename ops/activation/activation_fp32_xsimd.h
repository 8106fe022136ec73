// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include "ops/activation/activation.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// The activations for the registers of Arch. The piecewise linear ones give the scalar kernel's
// bits. Of the smooth ones, sigmoid and swish are within 4 units in the last place of the true
// value (or 1e-36, where they vanish), tanh and elu within 2. gelu and softplus are left to the
// scalar kernel: the networks at hand do not use them in their wide layers.
//
// max and min have the constant first, which makes x86 keep a NaN; NEON keeps it either way.
// A rest shorter than a register goes through one on the stack, so that an element's bits never
// depend on its place.
template <class Arch>
struct ActivationKernel {
    using Batch = xsimd::batch<float, Arch>;
    static constexpr std::size_t kLanes = Batch::size;

    static Batch clamp(const Batch& x, float low, float high) {
        return xsimd::min(Batch(high), xsimd::max(Batch(low), x));
    }
    static Batch hard_sigmoid(const Batch& x) {
        return clamp(x + Batch(3.0f), 0.0f, 6.0f) * Batch(1.0f / 6.0f);
    }
    static Batch sigmoid(const Batch& x) { return Batch(1.0f) / (Batch(1.0f) + xsimd::exp(-x)); }

    // One activation applied to the whole array; `function` maps a register.
    template <typename Function>
    static void map(const ActivationFp32Args& args, const Function& function) {
        std::size_t k = 0;
        for (; k + kLanes <= args.count; k += kLanes) {
            function(Batch::load_unaligned(args.input + k)).store_unaligned(args.output + k);
        }
        if (k < args.count) {
            float rest[kLanes] = {};
            for (std::size_t i = k; i < args.count; ++i) rest[i - k] = args.input[i];
            function(Batch::load_unaligned(rest)).store_unaligned(rest);
            for (std::size_t i = k; i < args.count; ++i) args.output[i] = rest[i - k];
        }
    }

    static void run(const ActivationFp32Args& args) {
        const Batch parameter(args.parameter);
        switch (args.activation) {
            case Activation::kNone:
                map(args, [](const Batch& x) { return x; });
                break;
            case Activation::kRelu:
                map(args, [](const Batch& x) { return xsimd::max(Batch(0.0f), x); });
                break;
            case Activation::kRelu6:
                map(args, [](const Batch& x) { return clamp(x, 0.0f, 6.0f); });
                break;
            case Activation::kHardSigmoid:
                map(args, [](const Batch& x) { return hard_sigmoid(x); });
                break;
            case Activation::kHardSwish:
                map(args, [](const Batch& x) { return x * hard_sigmoid(x); });
                break;
            case Activation::kHardSigmoidKeras2:
                map(args, [](const Batch& x) {
                    return clamp(Batch(0.2f) * x + Batch(0.5f), 0.0f, 1.0f);
                });
                break;
            case Activation::kLeakyRelu:
                map(args, [&](const Batch& x) {
                    return xsimd::select(x < Batch(0.0f), parameter * x, x);
                });
                break;
            case Activation::kSigmoid:
                map(args, [](const Batch& x) { return sigmoid(x); });
                break;
            case Activation::kSwish:
                // -infinity becomes the lowest float, whose sigmoid is 0: the limit, not a NaN.
                map(args,
                    [](const Batch& x) { return xsimd::max(Batch(-__FLT_MAX__), x) * sigmoid(x); });
                break;
            case Activation::kTanh:
                map(args, [](const Batch& x) { return xsimd::tanh(x); });
                break;
            case Activation::kElu:
                map(args, [&](const Batch& x) {
                    return xsimd::select(x < Batch(0.0f), parameter * xsimd::expm1(x), x);
                });
                break;
            case Activation::kGelu:
            case Activation::kSoftplus:
                activation_fp32_scalar(args);
                break;
        }
    }
};

}  // namespace
}  // namespace fovea::ops
