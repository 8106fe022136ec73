// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "fma_peak.h"

// 12 chains, as many as the convolution kernels have: enough to hide any FMA latency there is.
double fma_peak_avx2(long rounds) {
    __m256 sums[12];
    for (int k = 0; k < 12; ++k) sums[k] = _mm256_set1_ps(static_cast<float>(k));
    const __m256 factor = _mm256_set1_ps(0.5f);
    for (long round = 0; round < rounds; ++round) {
        for (__m256& sum : sums) {
            sum = _mm256_fmadd_ps(sum, factor, factor);
            asm volatile("" : "+x"(sum));  // keeps the compiler from folding the rounds
        }
    }
    return static_cast<double>(rounds) * 12 * 8 * 2;
}
