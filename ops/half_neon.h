// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "for -march=armv8.2-a+fp16"
#endif

#include <arm_neon.h>

#include "ops/activation.h"
#include "ops/half.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

inline float16x8_t load_halves(const Half* source) {
    return vreinterpretq_f16_u16(vld1q_u16(source));
}
inline void store_halves(Half* target, float16x8_t halves) {
    vst1q_u16(target, vreinterpretq_u16_f16(halves));
}

// The first `lanes` (1 to 8) halves at `source`, the bits of `fill` after them; nothing past them
// is read.
inline float16x8_t load_partial_halves(const Half* source, int lanes, Half fill = 0) {
    Half copy[8] = {fill, fill, fill, fill, fill, fill, fill, fill};
    for (int lane = 0; lane < lanes; ++lane) copy[lane] = source[lane];
    return load_halves(copy);
}

// The first `lanes` (1 to 8) halves to `target`; nothing past them is written.
inline void store_partial_halves(Half* target, float16x8_t halves, int lanes) {
    Half copy[8];
    store_halves(copy, halves);
    for (int lane = 0; lane < lanes; ++lane) target[lane] = copy[lane];
}

// The fusable activations, each operation rounded to a half, as assembly_neon.inc has them.
inline float16x8_t apply_fused_activation(Activation activation, float16x8_t value) {
    const float16x8_t zero = vdupq_n_f16(0);
    const float16x8_t six = vdupq_n_f16(6);
    const float16x8_t sixth = vreinterpretq_f16_u16(vdupq_n_u16(0x3155));
    const float16x8_t ramp = vminq_f16(vmaxq_f16(vaddq_f16(value, vdupq_n_f16(3)), zero), six);
    switch (activation) {
        case Activation::kRelu:
            return vmaxq_f16(value, zero);
        case Activation::kRelu6:
            return vminq_f16(vmaxq_f16(value, zero), six);
        case Activation::kHardSigmoid:
            return vmulq_f16(ramp, sixth);
        case Activation::kHardSwish:
            return vmulq_f16(value, vmulq_f16(ramp, sixth));
        default:
            return value;
    }
}

}  // namespace
}  // namespace fovea::ops
