// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include <cstddef>

#include "ops/activation_neon.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// One input channel of a tile: lane kLane of each pixel's register times the panel's next row.
template <int kLane, int kPixels>
[[gnu::always_inline]] inline void add_lane_products(float32x4_t (&sums)[kPixels * 2],
                                                     const float32x4_t (&values)[kPixels],
                                                     const float* weights) {
    const float32x4_t low = vld1q_f32(weights + kLane * 8);
    const float32x4_t high = vld1q_f32(weights + kLane * 8 + 4);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
        sums[p * 2] = vfmaq_laneq_f32(sums[p * 2], low, values[p], kLane);
        sums[p * 2 + 1] = vfmaq_laneq_f32(sums[p * 2 + 1], high, values[p], kLane);
    }
}

// The inner loop of the convolutions, on a register tile of kPixels x 8 outputs (one panel):
//
//   sums[p][lane] += sum_{i < length} input[p * pixel_step + i] * weights[8 i + lane]
//
// i ascending, fused; sums[2 p] and sums[2 p + 1] are the two halves of pixel p. With 8 pixels:
//   v0 ..v15  sums
//   v16..v23  four input channels of each pixel, used lane by lane
//   v24..     two registers for each row of the panel; the rest let the next row load early
// so 64 FMAs need 16 loads (12 instructions where two weight loads pair), which suits the in-order
// Cortex-A53 and A55, and 16 sums hide the 4-cycle FMA of Cortex-A76 (two a cycle) as well.
template <int kPixels>
[[gnu::always_inline]] inline void add_panel_products(float32x4_t (&sums)[kPixels * 2],
                                                      const float* input, std::ptrdiff_t pixel_step,
                                                      const float* weights, std::ptrdiff_t length) {
    const float* inputs[kPixels];
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) inputs[p] = input + p * pixel_step;
    std::ptrdiff_t i = 0;
    for (; i + 4 <= length; i += 4, weights += 32) {
        float32x4_t values[kPixels];
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) values[p] = vld1q_f32(inputs[p] + i);
        add_lane_products<0, kPixels>(sums, values, weights);
        add_lane_products<1, kPixels>(sums, values, weights);
        add_lane_products<2, kPixels>(sums, values, weights);
        add_lane_products<3, kPixels>(sums, values, weights);
    }
    for (; i < length; ++i, weights += 8) {
        float32x4_t values[kPixels];
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) values[p] = vld1q_dup_f32(inputs[p] + i);
        add_lane_products<0, kPixels>(sums, values, weights);
    }
}

// The first `lanes` (1 to 8) of eight floats at `source`, zeros after them.
[[gnu::always_inline]] inline void load_lanes_neon(const float* source, int lanes,
                                                   float32x4_t (&halves)[2]) {
    if (lanes >= 8) {
        halves[0] = vld1q_f32(source);
        halves[1] = vld1q_f32(source + 4);
    } else if (lanes > 4) {
        halves[0] = vld1q_f32(source);
        halves[1] = load_partial_neon(source + 4, lanes - 4);
    } else {
        halves[0] = load_partial_neon(source, lanes);
        halves[1] = vdupq_n_f32(0.0f);
    }
}

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

}  // namespace
}  // namespace fovea::ops
