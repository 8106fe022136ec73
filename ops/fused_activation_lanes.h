// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/activation.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// The fusable activations of activation/fused_activation_scalar.h on kCount registers of Lanes
// (lanes_<instruction set>.h), chosen once for all of them. The pragmas keep gcc from giving the
// values addresses, and so the stack, in its callers. at_least and at_most keep a NaN.
template <class Lanes, int kCount>
[[gnu::always_inline]] inline void apply_fused_activation(
    Activation activation, typename Lanes::Vector (&values)[kCount]) {
    using Vector = typename Lanes::Vector;
    const Vector zero = Lanes::all(0.0f);
    const Vector six = Lanes::all(6.0f);
    const Vector three = Lanes::all(3.0f);
    const Vector sixth = Lanes::all(1.0f / 6.0f);
    switch (activation) {
        case Activation::kRelu:
#pragma GCC unroll 32
            for (Vector& v : values) v = Lanes::at_least(v, zero);
            break;
        case Activation::kRelu6:
#pragma GCC unroll 32
            for (Vector& v : values) v = Lanes::at_most(Lanes::at_least(v, zero), six);
            break;
        case Activation::kHardSigmoid:
#pragma GCC unroll 32
            for (Vector& v : values) {
                v = Lanes::at_most(Lanes::at_least(v + three, zero), six) * sixth;
            }
            break;
        case Activation::kHardSwish:
#pragma GCC unroll 32
            for (Vector& v : values) {
                v = v * (Lanes::at_most(Lanes::at_least(v + three, zero), six) * sixth);
            }
            break;
        default:
            break;
    }
}

}  // namespace
}  // namespace fovea::ops
