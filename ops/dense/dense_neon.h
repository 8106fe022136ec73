// SPDX-License-Identifier: Apache-2.0
#pragma once

// Two weight panels (16 outputs) at a time: four partial sums of each, in two halves, are 16
// independent chains, which hide the latency of FMA on every core from Cortex-A53 to A76 while the
// weights, read once each, stream from memory.
//
//   v0 ..v15  partial sums: panel 0 sum 0 low and high, sum 1, ..., panel 1 sum 0, ...
//   v16       four input values, each a lane; the others hold weights on their way
#include <arm_neon.h>

#include <cstddef>

#include "ops/dense/dense.h"
#include "ops/lanes_neon.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
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

template <int kPanels, typename Weight>
inline void compute_panels(const DenseArgs<Weight>& args, int panel) {
    const std::ptrdiff_t in_features = args.in_features;
    const Weight* weights = args.weights + panel * in_features * 8;
    // sums[n * 8 + k * 2] and the one after it: panel n's partial sum k.
    float32x4_t sums[kPanels * 8];
#pragma GCC unroll 16
    for (int n = 0; n < kPanels; ++n) {
        sums[n * 8] = vld1q_f32(args.bias + (panel + n) * 8);
        sums[n * 8 + 1] = vld1q_f32(args.bias + (panel + n) * 8 + 4);
#pragma GCC unroll 16
        for (int k = 2; k < 8; ++k) sums[n * 8 + k] = vdupq_n_f32(0.0f);
    }
    std::ptrdiff_t i = 0;
    for (; i + 4 <= in_features; i += 4) {
        const float32x4_t values = vld1q_f32(args.input + i);
#pragma GCC unroll 16
        for (int n = 0; n < kPanels; ++n) {
            const Weight* rows = weights + (n * in_features + i) * 8;
            float32x4_t row[8];
            load_lanes(rows, row);
            float32x4_t* const sum = sums + n * 8;
            sum[0] = vfmaq_laneq_f32(sum[0], row[0], values, 0);
            sum[1] = vfmaq_laneq_f32(sum[1], row[1], values, 0);
            sum[2] = vfmaq_laneq_f32(sum[2], row[2], values, 1);
            sum[3] = vfmaq_laneq_f32(sum[3], row[3], values, 1);
            sum[4] = vfmaq_laneq_f32(sum[4], row[4], values, 2);
            sum[5] = vfmaq_laneq_f32(sum[5], row[5], values, 2);
            sum[6] = vfmaq_laneq_f32(sum[6], row[6], values, 3);
            sum[7] = vfmaq_laneq_f32(sum[7], row[7], values, 3);
        }
    }
#pragma GCC unroll 3
    for (int k = 0; k < 3; ++k) {
        if (i + k >= in_features) break;
        const float32x4_t value = vld1q_dup_f32(args.input + i + k);
#pragma GCC unroll 16
        for (int n = 0; n < kPanels; ++n) {
            float32x4_t row[2];
            load_lanes(weights + (n * in_features + i + k) * 8, row);
            sums[n * 8 + k * 2] = vfmaq_f32(sums[n * 8 + k * 2], row[0], value);
            sums[n * 8 + k * 2 + 1] = vfmaq_f32(sums[n * 8 + k * 2 + 1], row[1], value);
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

template <typename Weight>
inline void dense_neon(const DenseArgs<Weight>& args) {
    int panel = args.panel_begin;
    for (; panel + 2 <= args.panel_end; panel += 2) compute_panels<2>(args, panel);
    if (panel < args.panel_end) compute_panels<1>(args, panel);
}

}  // namespace
}  // namespace fovea::ops
