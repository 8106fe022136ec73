// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// v0, v3: 8 halves each; v1, v2, v4, v5: their floats. FCVTL is part of every AArch64 CPU;
// half-precision arithmetic is not needed for it.
#include <arm_neon.h>

#include "ops/widen/widen.h"

namespace fovea::ops {

namespace {

inline void widen_eight(const Half* input, float* output) {
    const float16x8_t halves = vreinterpretq_f16_u16(vld1q_u16(input));
    vst1q_f32(output, vcvt_f32_f16(vget_low_f16(halves)));
    vst1q_f32(output + 4, vcvt_high_f32_f16(halves));
}

}  // namespace

void widen_fp16_neon(const WidenFp16Args& args) {
    const Half* const input = args.input;
    float* const output = args.output;
    const std::size_t count = args.count;
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        widen_eight(input + i, output + i);
        widen_eight(input + i + 8, output + i + 8);
    }
    if (i + 8 <= count) {
        widen_eight(input + i, output + i);
        i += 8;
    }
    for (; i < count; ++i) {
        const float16x4_t half = vreinterpret_f16_u16(vdup_n_u16(input[i]));
        output[i] = vgetq_lane_f32(vcvt_f32_f16(half), 0);
    }
}

}  // namespace fovea::ops
