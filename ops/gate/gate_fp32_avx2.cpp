// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// ymm0 .. ymm3: the rows of four inputs, each multiplied by its gate, which is broadcast from
// memory. Weights come from the second-level cache at best, so that the load and the store of each
// row set the pace; four rows at a time keep the loop's own instructions below them.
#include <immintrin.h>

#include "ops/gate/gate.h"

namespace fovea::ops {

void gate_fp32_avx2(const GateFp32Args& args) {
    const float* weights = args.weights;
    float* output = args.output;
    for (std::size_t n = 0; n < args.panels; ++n) {
        std::size_t i = 0;
        for (; i + 4 <= args.in_channels; i += 4, weights += 32, output += 32) {
            __m256 rows[4];
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) {
                rows[k] = _mm256_mul_ps(_mm256_load_ps(weights + 8 * k),
                                        _mm256_broadcast_ss(args.gate + i + k));
            }
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) _mm256_store_ps(output + 8 * k, rows[k]);
        }
        for (; i < args.in_channels; ++i, weights += 8, output += 8) {
            _mm256_store_ps(
                output, _mm256_mul_ps(_mm256_load_ps(weights), _mm256_broadcast_ss(args.gate + i)));
        }
    }
}

}  // namespace fovea::ops
