// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// v0: 8 halves; v1, v2: their floats. FCVTL is part of every AArch64 CPU; half-precision arithmetic
// is not needed for it.
#include <arm_neon.h>

#include "ops/widen/widen.h"

namespace fovea::ops {

void widen_fp16_neon(const WidenFp16Args& args) {
    std::size_t i = 0;
    for (; i + 8 <= args.count; i += 8) {
        const float16x8_t halves = vreinterpretq_f16_u16(vld1q_u16(args.input + i));
        vst1q_f32(args.output + i, vcvt_f32_f16(vget_low_f16(halves)));
        vst1q_f32(args.output + i + 4, vcvt_high_f32_f16(halves));
    }
    for (; i < args.count; ++i) {
        args.output[i] =
            vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(args.input[i]))), 0);
    }
}

}  // namespace fovea::ops
