// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

// v0: the gates of four inputs as halves; v1 .. v4: their rows of 8 weights, multiplied by lane.
#include "ops/gate/gate.h"
#include "ops/half_neon.h"

namespace fovea::ops {

void gate_fp16_neon_fp16(const GateFp16Args& args) {
    const Half* weights = args.weights;
    Half* output = args.output;
    for (std::size_t n = 0; n < args.panels; ++n) {
        std::size_t i = 0;
        for (; i + 4 <= args.in_channels; i += 4, weights += 32, output += 32) {
            const float16x4_t gates = vcvt_f16_f32(vld1q_f32(args.gate + i));
            float16x8_t rows[4];
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) rows[k] = load_halves(weights + 8 * k);
            rows[0] = vmulq_lane_f16(rows[0], gates, 0);
            rows[1] = vmulq_lane_f16(rows[1], gates, 1);
            rows[2] = vmulq_lane_f16(rows[2], gates, 2);
            rows[3] = vmulq_lane_f16(rows[3], gates, 3);
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) store_halves(output + 8 * k, rows[k]);
        }
        for (; i < args.in_channels; ++i, weights += 8, output += 8) {
            const float16x4_t gate = vcvt_f16_f32(vdupq_n_f32(args.gate[i]));
            store_halves(output, vmulq_lane_f16(load_halves(weights), gate, 0));
        }
    }
}

}  // namespace fovea::ops
