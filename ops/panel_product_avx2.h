// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "for files compiled with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include <cstddef>

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with baseline
// code.
namespace {

// The inner loop of the convolutions, on a register tile of kPixels x (8 * kPanels) outputs:
//
//   sums[p][n][lane] += sum_{i < length}
//                           input[p * pixel_step + i] * weights[n * panel_step + 8 i + lane]
//
// i ascending, fused. 12 sums are the aim: they hide the latency of FMA (4 or 5 cycles, two a
// cycle: 8 to 10 are needed) and leave 4 of the 16 registers.
//   6 pixels x 2 panels: 12 sums, a row of each panel, 1 broadcast input; 8 loads for 12 FMAs
//   4 pixels x 3 panels: 12 sums, a row of each panel, 1 broadcast input; 7 loads for 12 FMAs
// Neither the two load ports nor the front end of Haswell, Zen 2 and later is then the limit.
// The unroll pragmas keep gcc from giving the sums addresses, and so the stack.
template <int kPixels, int kPanels>
[[gnu::always_inline]] inline void add_panel_products(__m256 (&sums)[kPixels * kPanels],
                                                      const float* input, std::ptrdiff_t pixel_step,
                                                      const float* weights,
                                                      std::ptrdiff_t panel_step,
                                                      std::ptrdiff_t length) {
    const float* inputs[kPixels];
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) inputs[p] = input + p * pixel_step;
    for (std::ptrdiff_t i = 0; i < length; ++i, weights += 8) {
        __m256 row[kPanels];
#pragma GCC unroll 16
        for (int n = 0; n < kPanels; ++n) row[n] = _mm256_load_ps(weights + n * panel_step);
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) {
            const __m256 value = _mm256_broadcast_ss(inputs[p] + i);
#pragma GCC unroll 16
            for (int n = 0; n < kPanels; ++n) {
                sums[p * kPanels + n] = _mm256_fmadd_ps(value, row[n], sums[p * kPanels + n]);
            }
        }
    }
}

}  // namespace
}  // namespace fovea::ops
