// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__)
#error "compile this file with -mavx2"
#endif

#include <immintrin.h>

#include "code_peak.h"

// 12 sums, as many as the convolution kernels have; 32 products take three instructions.
double code_peak_avx2(long rounds) {
    __m256i sums[12];
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) sums[k] = _mm256_set1_epi32(k);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i codes = _mm256_set1_epi8(3);
    for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (__m256i& sum : sums) {
            asm volatile("" : "+x"(codes));  // keeps the compiler from multiplying once
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(codes, codes), ones));
            asm volatile("" : "+x"(sum));  // and from adding nothing
        }
    }
    return static_cast<double>(rounds) * 12 * 32 * 2;
}
