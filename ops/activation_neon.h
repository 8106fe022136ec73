// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/activation.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// The fusable activations of activation/fused_activation_scalar.h on kCount registers, chosen once
// for all of them. The pragmas keep gcc from giving the values addresses, and so the stack, in its
// callers. FMAX and FMIN keep a NaN.
template <int kCount>
inline void apply_fused_activation(Activation activation, float32x4_t (&values)[kCount]) {
    const float32x4_t zero = vdupq_n_f32(0.0f);
    const float32x4_t six = vdupq_n_f32(6.0f);
    const float32x4_t three = vdupq_n_f32(3.0f);
    const float32x4_t sixth = vdupq_n_f32(1.0f / 6.0f);
    switch (activation) {
        case Activation::kRelu:
#pragma GCC unroll 16
            for (float32x4_t& v : values) v = vmaxq_f32(v, zero);
            break;
        case Activation::kRelu6:
#pragma GCC unroll 16
            for (float32x4_t& v : values) v = vminq_f32(vmaxq_f32(v, zero), six);
            break;
        case Activation::kHardSigmoid:
#pragma GCC unroll 16
            for (float32x4_t& v : values) {
                const float32x4_t ramp = vmaxq_f32(vaddq_f32(v, three), zero);
                v = vmulq_f32(vminq_f32(ramp, six), sixth);
            }
            break;
        case Activation::kHardSwish:
#pragma GCC unroll 16
            for (float32x4_t& v : values) {
                const float32x4_t ramp = vmaxq_f32(vaddq_f32(v, three), zero);
                v = vmulq_f32(v, vmulq_f32(vminq_f32(ramp, six), sixth));
            }
            break;
        default:
            break;
    }
}

// The first `lanes` (1 to 4) floats at `source`, zeros after them; nothing past them is read.
inline float32x4_t load_partial_neon(const float* source, int lanes) {
    float32x4_t v = vdupq_n_f32(0.0f);
    v = vld1q_lane_f32(source, v, 0);
    if (lanes > 1) v = vld1q_lane_f32(source + 1, v, 1);
    if (lanes > 2) v = vld1q_lane_f32(source + 2, v, 2);
    if (lanes > 3) v = vld1q_lane_f32(source + 3, v, 3);
    return v;
}

// The first `lanes` (1 to 4) floats of v to `target`; nothing past them is written.
inline void store_partial_neon(float* target, float32x4_t v, int lanes) {
    vst1q_lane_f32(target, v, 0);
    if (lanes > 1) vst1q_lane_f32(target + 1, v, 1);
    if (lanes > 2) vst1q_lane_f32(target + 2, v, 2);
    if (lanes > 3) vst1q_lane_f32(target + 3, v, 3);
}

}  // namespace
}  // namespace fovea::ops
