// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// A panel of 8 outputs in two registers, four such pairs for the four partial sums; products are rounded before they are added, as
// the contract says, and so not fused.
#include <arm_neon.h>

#include <cstddef>

#include "ops/dense/dense_fp32_w8.h"

namespace fovea::ops {
namespace {

struct Sum {
    float32x4_t low, high;

    void add(float input, const std::int8_t* weights) {
        const int16x8_t words = vmovl_s8(vld1_s8(weights));
        low = vaddq_f32(low, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(words))), input));
        high = vaddq_f32(high, vmulq_n_f32(vcvtq_f32_s32(vmovl_high_s16(words)), input));
    }
};

}  // namespace

void dense_fp32_w8_neon(const DenseFp32W8Args& args) {
    for (int panel = args.panel_begin; panel < args.panel_end; ++panel) {
        const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * args.in_features * 8;
        const float32x4_t zero = vdupq_n_f32(0.0f);
        Sum sums[4] = {{zero, zero}, {zero, zero}, {zero, zero}, {zero, zero}};
        int i = 0;
        for (; i + 4 <= args.in_features; i += 4, weights += 32) {
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) sums[k].add(args.input[i + k], weights + 8 * k);
        }
        for (int k = 0; i + k < args.in_features; ++k) sums[k].add(args.input[i + k], weights + 8 * k);
        const int o = panel * 8;
        const float32x4_t low = vaddq_f32(vaddq_f32(sums[0].low, sums[1].low), vaddq_f32(sums[2].low, sums[3].low));
        const float32x4_t high = vaddq_f32(vaddq_f32(sums[0].high, sums[1].high), vaddq_f32(sums[2].high, sums[3].high));
        float lanes[8];
        vst1q_f32(lanes, vaddq_f32(vmulq_f32(low, vld1q_f32(args.scale + o)), vld1q_f32(args.bias + o)));
        vst1q_f32(lanes + 4, vaddq_f32(vmulq_f32(high, vld1q_f32(args.scale + o + 4)), vld1q_f32(args.bias + o + 4)));
        for (int lane = 0; lane < 8 && o + lane < args.out_features; ++lane) args.output[o + lane] = lanes[lane];
    }
}

}  // namespace fovea::ops
