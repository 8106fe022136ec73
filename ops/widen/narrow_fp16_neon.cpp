// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// v0, v1: 8 floats on their way to 8 halves. FCVTN is part of every AArch64 CPU.
#include <arm_neon.h>

#include "ops/widen/widen.h"

namespace fovea::ops {

void narrow_fp16_neon(const NarrowFp16Args& args) {
    std::size_t i = 0;
    for (; i + 8 <= args.count; i += 8) {
        const float16x4_t low = vcvt_f16_f32(vld1q_f32(args.input + i));
        const float16x8_t halves = vcvt_high_f16_f32(low, vld1q_f32(args.input + i + 4));
        vst1q_u16(args.output + i, vreinterpretq_u16_f16(halves));
    }
    for (; i < args.count; ++i) {
        const float16x4_t half = vcvt_f16_f32(vdupq_n_f32(args.input[i]));
        args.output[i] = vget_lane_u16(vreinterpret_u16_f16(half), 0);
    }
}

}  // namespace fovea::ops
