// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__)
#error "compile this file with -mavx512f"
#endif

#include <immintrin.h>

#include "fma_peak.h"

// As many chains as a tile of the convolution kernels has sums: enough to hide any FMA latency
// there is.
double fma_peak_avx512(long rounds) {
    __m512 sums[24];
    for (int k = 0; k < 24; ++k) sums[k] = _mm512_set1_ps(static_cast<float>(k));
    const __m512 factor = _mm512_set1_ps(0.5f);
    for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
        for (__m512& sum : sums) {
            sum = _mm512_fmadd_ps(sum, factor, factor);
            asm volatile("" : "+v"(sum));  // keeps the compiler from folding the rounds
        }
    }
    return static_cast<double>(rounds) * 24 * 16 * 2;
}
