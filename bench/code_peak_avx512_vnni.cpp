// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512VNNI__)
#error "compile this file with -mavx512vnni"
#endif

#include <immintrin.h>

#include "code_peak.h"

// As many sums as a tile of the convolution kernels has.
double code_peak_avx512_vnni(long rounds) {
    __m512i sums[24];
#pragma GCC unroll 24
    for (int k = 0; k < 24; ++k) sums[k] = _mm512_set1_epi32(k);
    const __m512i codes = _mm512_set1_epi8(3);
    for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
        for (__m512i& sum : sums) {
            sum = _mm512_dpbusd_epi32(sum, codes, codes);
            asm volatile("" : "+v"(sum));  // keeps the compiler from folding the rounds
        }
    }
    return static_cast<double>(rounds) * 24 * 64 * 2;
}
