// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/half.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// A register of floats, for templates that are the same for all instruction sets. FMAX and FMIN
// keep a NaN.
struct LanesNeon {
    using Vector = float32x4_t;
    static constexpr int kCount = 4;
    static Vector all(float value) { return vdupq_n_f32(value); }
    static Vector at_least(Vector value, Vector bound) { return vmaxq_f32(value, bound); }
    static Vector at_most(Vector value, Vector bound) { return vminq_f32(value, bound); }
};

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

// Floats and halves alike as registers of 4 floats, for kernels that compute in float32. FCVTL and
// FCVTN are part of every AArch64 CPU.
template <int kVectors>
inline void load_lanes(const float* source, float32x4_t (&values)[kVectors]) {
    for (int v = 0; v < kVectors; ++v) values[v] = vld1q_f32(source + 4 * v);
}
template <int kVectors>
inline void load_lanes(const Half* source, float32x4_t (&values)[kVectors]) {
    for (int v = 0; v + 1 < kVectors; v += 2) {
        const float16x8_t halves = vreinterpretq_f16_u16(vld1q_u16(source + 4 * v));
        values[v] = vcvt_f32_f16(vget_low_f16(halves));
        values[v + 1] = vcvt_high_f32_f16(halves);
    }
    if constexpr (kVectors % 2 != 0) {
        values[kVectors - 1] =
            vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(source + 4 * (kVectors - 1))));
    }
}

// The first `lanes` (1 to 4) elements, zeros after them; nothing past them is read.
inline float32x4_t load_some_lanes(const float* source, int lanes) {
    return load_partial_neon(source, lanes);
}
inline float32x4_t load_some_lanes(const Half* source, int lanes) {
    Half copy[4] = {};
    for (int lane = 0; lane < lanes; ++lane) copy[lane] = source[lane];
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(copy)));
}

// The first `lanes` (1 to 4) of them; nothing past them is written.
inline void store_lanes(float* target, float32x4_t values, int lanes) {
    if (lanes == 4) {
        vst1q_f32(target, values);
    } else {
        store_partial_neon(target, values, lanes);
    }
}
inline void store_lanes(Half* target, float32x4_t values, int lanes) {
    const uint16x4_t halves = vreinterpret_u16_f16(vcvt_f16_f32(values));
    if (lanes == 4) {
        vst1_u16(target, halves);
        return;
    }
    Half copy[4];
    vst1_u16(copy, halves);
    for (int lane = 0; lane < lanes; ++lane) target[lane] = copy[lane];
}

}  // namespace
}  // namespace fovea::ops
