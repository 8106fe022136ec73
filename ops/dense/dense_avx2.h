// SPDX-License-Identifier: Apache-2.0
#pragma once

// Two weight panels (16 outputs) at a time: the four partial sums of each make 8 independent
// chains, which hides the latency of FMA on Haswell, Zen 2 and later while the weights, read once
// each, stream from memory.
//
//   ymm0 ..ymm7  partial sums: panel 0 sum 0 .. sum 3, panel 1 sum 0 .. sum 3
//   ymm8         one input value, broadcast for both panels; the weights are FMA's memory operand
//                if they are floats
#include <immintrin.h>

#include <cstddef>

#include "ops/dense/dense.h"
#include "ops/lanes_avx2.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

inline __m256 load_row(const float* row) {
    return _mm256_load_ps(row);
}
inline __m256 load_row(const Half* row) {
    return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(row)));
}

template <int kPanels, typename Weight>
inline void compute_panels(const DenseArgs<Weight>& args, int panel) {
    const std::ptrdiff_t in_features = args.in_features;
    const Weight* weights = args.weights + panel * in_features * 8;
    __m256 sums[kPanels][4];
#pragma GCC unroll 8
    for (int n = 0; n < kPanels; ++n) {
        sums[n][0] = _mm256_load_ps(args.bias + (panel + n) * 8);
#pragma GCC unroll 8
        for (int k = 1; k < 4; ++k) sums[n][k] = _mm256_setzero_ps();
    }
    std::ptrdiff_t i = 0;
    for (; i + 4 <= in_features; i += 4) {
#pragma GCC unroll 8
        for (int k = 0; k < 4; ++k) {
            const __m256 value = _mm256_broadcast_ss(args.input + i + k);
#pragma GCC unroll 8
            for (int n = 0; n < kPanels; ++n) {
                const __m256 row = load_row(weights + (n * in_features + i + k) * 8);
                sums[n][k] = _mm256_fmadd_ps(value, row, sums[n][k]);
            }
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < 3; ++k) {
        if (i + k >= in_features) break;
        const __m256 value = _mm256_broadcast_ss(args.input + i + k);
#pragma GCC unroll 8
        for (int n = 0; n < kPanels; ++n) {
            const __m256 row = load_row(weights + (n * in_features + i + k) * 8);
            sums[n][k] = _mm256_fmadd_ps(value, row, sums[n][k]);
        }
    }
#pragma GCC unroll 8
    for (int n = 0; n < kPanels; ++n) {
        const __m256 sum = _mm256_add_ps(_mm256_add_ps(sums[n][0], sums[n][1]),
                                         _mm256_add_ps(sums[n][2], sums[n][3]));
        const int lanes = args.out_features - (panel + n) * 8;
        float* output = args.output + (panel + n) * 8;
        if (lanes >= 8) {
            _mm256_storeu_ps(output, sum);
        } else {
            _mm256_maskstore_ps(output, lane_mask_avx2(lanes), sum);
        }
    }
}

template <typename Weight>
inline void dense_avx2(const DenseArgs<Weight>& args) {
    int panel = args.panel_begin;
    for (; panel + 2 <= args.panel_end; panel += 2) compute_panels<2>(args, panel);
    if (panel < args.panel_end) compute_panels<1>(args, panel);
}

}  // namespace
}  // namespace fovea::ops
