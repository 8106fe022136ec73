// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include "ops/activation_gradient/activation_gradient.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// The derivatives that wide layers need, to the scalar kernel's bits: a factor chosen by comparisons, and a product. Those of swish,
// elu, gelu and softplus are left to the scalar kernel: the networks at hand do not use them in their wide layers.
template <class Arch>
struct ActivationGradientKernel {
    using Batch = xsimd::batch<float, Arch>;
    static constexpr std::size_t kLanes = Batch::size;

    // slope where low < known < high, else 0.
    static Batch between(const Batch& known, float low, float high, float slope) {
        return xsimd::select((known > Batch(low)) & (known < Batch(high)), Batch(slope), Batch(0.0f));
    }

    static Batch hard_swish(const Batch& known) {
        const Batch sixth(1.0f / 6.0f);
        const Batch inner = (known + Batch(3.0f)) * sixth;
        const Batch upper = xsimd::select(known < Batch(3.0f), inner + known * sixth, Batch(1.0f));
        return xsimd::select(known > Batch(-3.0f), upper, Batch(0.0f));
    }

    template <typename Derivative>
    static void map(const ActivationGradientFp32Args& args, const Derivative& derivative) {
        std::size_t k = 0;
        for (; k + kLanes <= args.count; k += kLanes) {
            const Batch factor = derivative(Batch::load_unaligned(args.known + k));
            (Batch::load_unaligned(args.gradient + k) * factor).store_unaligned(args.output + k);
        }
        ActivationGradientFp32Args rest = args;
        rest.gradient += k;
        rest.known += k;
        rest.output += k;
        rest.count -= k;
        activation_gradient_fp32_scalar(rest);
    }

    static void run(const ActivationGradientFp32Args& args) {
        switch (args.activation) {
            case Activation::kRelu:
                return map(args, [](const Batch& y) { return xsimd::select(y > Batch(0.0f), Batch(1.0f), Batch(0.0f)); });
            case Activation::kRelu6:
                return map(args, [](const Batch& y) { return between(y, 0.0f, 6.0f, 1.0f); });
            case Activation::kHardSigmoid:
                return map(args, [](const Batch& y) { return between(y, 0.0f, 1.0f, 1.0f / 6.0f); });
            case Activation::kHardSigmoidKeras2:
                return map(args, [](const Batch& y) { return between(y, 0.0f, 1.0f, 0.2f); });
            case Activation::kHardSwish:
                return map(args, [](const Batch& x) { return hard_swish(x); });
            case Activation::kLeakyRelu:
                return map(args, [&](const Batch& y) {
                    return xsimd::select(y > Batch(0.0f), Batch(1.0f), Batch(args.parameter));
                });
            case Activation::kSigmoid:
                return map(args, [](const Batch& y) { return y * (Batch(1.0f) - y); });
            case Activation::kTanh:
                return map(args, [](const Batch& y) { return Batch(1.0f) - y * y; });
            default:
                return activation_gradient_fp32_scalar(args);
        }
    }
};

}  // namespace
}  // namespace fovea::ops
