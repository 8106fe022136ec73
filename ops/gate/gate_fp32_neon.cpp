// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// v0: the gates of four inputs; v1 .. v8: their rows of 8 weights, multiplied by lane. A row takes
// a paired load, two multiplications and a paired store.
#include <arm_neon.h>

#include "ops/gate/gate.h"

namespace fovea::ops {

void gate_fp32_neon(const GateFp32Args& args) {
    const float* weights = args.weights;
    float* output = args.output;
    for (std::size_t n = 0; n < args.panels; ++n) {
        std::size_t i = 0;
        for (; i + 4 <= args.in_channels; i += 4, weights += 32, output += 32) {
            const float32x4_t gates = vld1q_f32(args.gate + i);
            float32x4_t rows[8];
#pragma GCC unroll 8
            for (int k = 0; k < 8; ++k) rows[k] = vld1q_f32(weights + 4 * k);
            rows[0] = vmulq_laneq_f32(rows[0], gates, 0);
            rows[1] = vmulq_laneq_f32(rows[1], gates, 0);
            rows[2] = vmulq_laneq_f32(rows[2], gates, 1);
            rows[3] = vmulq_laneq_f32(rows[3], gates, 1);
            rows[4] = vmulq_laneq_f32(rows[4], gates, 2);
            rows[5] = vmulq_laneq_f32(rows[5], gates, 2);
            rows[6] = vmulq_laneq_f32(rows[6], gates, 3);
            rows[7] = vmulq_laneq_f32(rows[7], gates, 3);
#pragma GCC unroll 8
            for (int k = 0; k < 8; ++k) vst1q_f32(output + 4 * k, rows[k]);
        }
        for (; i < args.in_channels; ++i, weights += 8, output += 8) {
            const float32x4_t low = vmulq_n_f32(vld1q_f32(weights), args.gate[i]);
            const float32x4_t high = vmulq_n_f32(vld1q_f32(weights + 4), args.gate[i]);
            vst1q_f32(output, low);
            vst1q_f32(output + 4, high);
        }
    }
}

}  // namespace fovea::ops
