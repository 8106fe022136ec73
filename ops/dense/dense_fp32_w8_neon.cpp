// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// A panel of 8 outputs in two registers, four such pairs for the four partial sums; products are rounded before they are added, as
// the contract says, and so not fused. A table look-up puts four weights into the upper bytes of whole numbers, whose conversion divides
// by 2^24: two instructions make floats of them.
#include <arm_neon.h>

#include <cstddef>

#include "ops/dense/dense_fp32_w8.h"

namespace fovea::ops {
namespace {

// `sums` are those of one input, and of the next, the kLane-th and the one after it of four, whose weights are the bytes.
template <int kLane>
[[gnu::always_inline]] inline void add_two(float32x4_t (&sums)[4][2], float32x4_t inputs, int8x16_t weights,
                                           const uint8x16_t (&places)[4]) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
        const float32x4_t floats = vcvtq_n_f32_s32(vreinterpretq_s32_s8(vqtbl1q_s8(weights, places[v])), 24);
        float32x4_t& sum = sums[kLane + v / 2][v % 2];
        sum = vaddq_f32(sum, v < 2 ? vmulq_laneq_f32(floats, inputs, kLane) : vmulq_laneq_f32(floats, inputs, kLane + 1));
    }
}

}  // namespace

void dense_fp32_w8_neon(const DenseFp32W8Args& args) {
    uint8x16_t places[4];  // of bytes 4 v to 4 v + 3; past the table is 0
    for (unsigned v = 0; v < 4; ++v) {
        const uint32x4_t first = vdupq_n_u32(0x00FFFFFFu + (v << 26));
        const uint32x4_t steps = vcombine_u32(vcreate_u32(0x0100000000000000u), vcreate_u32(0x0300000002000000u));
        places[v] = vreinterpretq_u8_u32(vaddq_u32(first, steps));
    }
    for (int panel = args.panel_begin; panel < args.panel_end; ++panel) {
        const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * args.in_features * 8;
        const std::int8_t* const whole_end = weights + (args.in_features - args.in_features % 4) * std::ptrdiff_t{8};
        const float* input = args.input;
        float32x4_t sums[4][2];
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) sums[k][0] = sums[k][1] = vdupq_n_f32(0.0f);
        for (; weights != whole_end; input += 4, weights += 32) {
            const float32x4_t inputs = vld1q_f32(input);
            add_two<0>(sums, inputs, vld1q_s8(weights), places);
            add_two<2>(sums, inputs, vld1q_s8(weights + 16), places);
        }
        // The inputs that are left are the first of four, the others of which add nothing.
        if (const int left = args.in_features % 4; left > 0) {
            float last[4] = {};
            std::int8_t of_last[32] = {};
            for (int k = 0; k < left; ++k) last[k] = input[k];
            for (int k = 0; k < 8 * left; ++k) of_last[k] = weights[k];
            add_two<0>(sums, vld1q_f32(last), vld1q_s8(of_last), places);
            add_two<2>(sums, vld1q_f32(last), vld1q_s8(of_last + 16), places);
        }
        const int o = panel * 8;
        float lanes[8];
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
            const float32x4_t total = vaddq_f32(vaddq_f32(sums[0][half], sums[1][half]), vaddq_f32(sums[2][half], sums[3][half]));
            const int at = o + 4 * half;
            vst1q_f32(lanes + 4 * half, vaddq_f32(vmulq_f32(total, vld1q_f32(args.scale + at)), vld1q_f32(args.bias + at)));
        }
        for (int lane = 0; lane < 8 && o + lane < args.out_features; ++lane) args.output[o + lane] = lanes[lane];
    }
}

}  // namespace fovea::ops
