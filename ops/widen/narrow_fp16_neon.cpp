// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// v0 .. v3: 16 floats on their way to 16 halves. FCVTN is part of every AArch64 CPU.
#include <arm_neon.h>

#include "ops/widen/widen.h"

namespace fovea::ops {

namespace {

inline void narrow_eight(const float* input, Half* output) {
    const float16x4_t low = vcvt_f16_f32(vld1q_f32(input));
    vst1q_u16(output, vreinterpretq_u16_f16(vcvt_high_f16_f32(low, vld1q_f32(input + 4))));
}

}  // namespace

void narrow_fp16_neon(const NarrowFp16Args& args) {
    const float* const input = args.input;
    Half* const output = args.output;
    const std::size_t count = args.count;
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        narrow_eight(input + i, output + i);
        narrow_eight(input + i + 8, output + i + 8);
    }
    if (i + 8 <= count) {
        narrow_eight(input + i, output + i);
        i += 8;
    }
    for (; i < count; ++i) {
        const float16x4_t half = vcvt_f16_f32(vdupq_n_f32(input[i]));
        output[i] = vget_lane_u16(vreinterpret_u16_f16(half), 0);
    }
}

}  // namespace fovea::ops
