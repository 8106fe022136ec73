// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Two weight panels (16 outputs) at a time: four partial sums of each, in two halves, are 16
// independent chains, which hide the latency of FMA on every core from Cortex-A53 to A76 while the
// weights, read once each, stream from memory.
//
//   v0 ..v15  partial sums: panel 0 sum 0 low and high, sum 1, ..., panel 1 sum 0, ...
//   v16       four input values, each a lane; the others hold weights on their way
#include <arm_neon.h>

#include <cstddef>

#include "ops/activation_neon.h"
#include "ops/dense/dense.h"

namespace fovea::ops {
namespace {

// The first `lanes` (1 to 8) of eight floats to `target`; nothing past them is written.
[[gnu::always_inline]] inline void store_lanes_neon(float* target, float32x4_t low,
                                                    float32x4_t high, int lanes) {
    if (lanes >= 8) {
        vst1q_f32(target, low);
        vst1q_f32(target + 4, high);
    } else if (lanes > 4) {
        vst1q_f32(target, low);
        store_partial_neon(target + 4, high, lanes - 4);
    } else {
        store_partial_neon(target, low, lanes);
    }
}

// Four inputs, whose weights of each panel begin at rows[n]; these go on behind them.
template <int kPanels>
[[gnu::always_inline]] inline void add_four(float32x4_t (&sums)[kPanels * 8],
                                            const float* (&rows)[kPanels], float32x4_t values) {
#pragma GCC unroll 16
    for (int n = 0; n < kPanels; ++n) {
        const float32x4x4_t first = vld1q_f32_x4(rows[n]);
        rows[n] += 16;
        asm("" : "+r"(rows[n]));  // so that each load steps the pointer: gcc would add beside it
        const float32x4x4_t second = vld1q_f32_x4(rows[n]);
        rows[n] += 16;
        asm("" : "+r"(rows[n]));
        float32x4_t* const sum = sums + n * 8;
        sum[0] = vfmaq_laneq_f32(sum[0], first.val[0], values, 0);
        sum[1] = vfmaq_laneq_f32(sum[1], first.val[1], values, 0);
        sum[2] = vfmaq_laneq_f32(sum[2], first.val[2], values, 1);
        sum[3] = vfmaq_laneq_f32(sum[3], first.val[3], values, 1);
        sum[4] = vfmaq_laneq_f32(sum[4], second.val[0], values, 2);
        sum[5] = vfmaq_laneq_f32(sum[5], second.val[1], values, 2);
        sum[6] = vfmaq_laneq_f32(sum[6], second.val[2], values, 3);
        sum[7] = vfmaq_laneq_f32(sum[7], second.val[3], values, 3);
    }
}

template <int kPanels>
inline void compute_panels(const DenseFp32Args& args, int panel) {
    const std::ptrdiff_t in_features = args.in_features;
    const float* weights = args.weights + panel * in_features * 8;
    const float* rows[kPanels];
    // sums[n * 8 + k * 2] and the one after it: panel n's partial sum k.
    float32x4_t sums[kPanels * 8];
#pragma GCC unroll 16
    for (int n = 0; n < kPanels; ++n) {
        rows[n] = weights + n * in_features * 8;
        sums[n * 8] = vld1q_f32(args.bias + (panel + n) * 8);
        sums[n * 8 + 1] = vld1q_f32(args.bias + (panel + n) * 8 + 4);
#pragma GCC unroll 16
        for (int k = 2; k < 8; ++k) sums[n * 8 + k] = vdupq_n_f32(0.0f);
    }
    const float* input = args.input;
    std::ptrdiff_t i = 0;
    for (; i + 4 <= in_features; i += 4, input += 4) {
        add_four<kPanels>(sums, rows, vld1q_f32(input));
    }
#pragma GCC unroll 3
    for (int k = 0; k < 3; ++k) {
        if (i + k >= in_features) break;
        const float32x4_t value = vld1q_dup_f32(args.input + i + k);
#pragma GCC unroll 16
        for (int n = 0; n < kPanels; ++n) {
            const float* row = weights + (n * in_features + i + k) * 8;
            sums[n * 8 + k * 2] = vfmaq_f32(sums[n * 8 + k * 2], vld1q_f32(row), value);
            sums[n * 8 + k * 2 + 1] = vfmaq_f32(sums[n * 8 + k * 2 + 1], vld1q_f32(row + 4), value);
        }
    }
#pragma GCC unroll 16
    for (int n = 0; n < kPanels; ++n) {
        const float32x4_t* const sum = sums + n * 8;
        store_lanes_neon(args.output + (panel + n) * 8,
                         vaddq_f32(vaddq_f32(sum[0], sum[2]), vaddq_f32(sum[4], sum[6])),
                         vaddq_f32(vaddq_f32(sum[1], sum[3]), vaddq_f32(sum[5], sum[7])),
                         args.out_features - (panel + n) * 8);
    }
}

}  // namespace

void dense_fp32_neon(const DenseFp32Args& args) {
    int panel = args.panel_begin;
    for (; panel + 2 <= args.panel_end; panel += 2) compute_panels<2>(args, panel);
    if (panel < args.panel_end) compute_panels<1>(args, panel);
}

}  // namespace fovea::ops
