// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "for files compiled with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/activation.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with baseline
// code.
namespace {

// The fusable activations of activation/fused_activation_scalar.h on kCount registers, chosen once
// for all of them. The pragmas keep gcc from giving the values addresses, and so the stack, in its
// callers. The constant is the first operand of max and min, which makes them keep a NaN of the
// second.
template <int kCount>
inline void apply_fused_activation(Activation activation, __m256 (&values)[kCount]) {
    const __m256 zero = _mm256_setzero_ps();
    const __m256 six = _mm256_set1_ps(6.0f);
    const __m256 three = _mm256_set1_ps(3.0f);
    const __m256 sixth = _mm256_set1_ps(1.0f / 6.0f);
    switch (activation) {
        case Activation::kRelu:
#pragma GCC unroll 16
            for (__m256& v : values) v = _mm256_max_ps(zero, v);
            break;
        case Activation::kRelu6:
#pragma GCC unroll 16
            for (__m256& v : values) v = _mm256_min_ps(six, _mm256_max_ps(zero, v));
            break;
        case Activation::kHardSigmoid:
#pragma GCC unroll 16
            for (__m256& v : values) {
                const __m256 ramp = _mm256_max_ps(zero, _mm256_add_ps(v, three));
                v = _mm256_mul_ps(_mm256_min_ps(six, ramp), sixth);
            }
            break;
        case Activation::kHardSwish:
#pragma GCC unroll 16
            for (__m256& v : values) {
                const __m256 ramp = _mm256_max_ps(zero, _mm256_add_ps(v, three));
                v = _mm256_mul_ps(v, _mm256_mul_ps(_mm256_min_ps(six, ramp), sixth));
            }
            break;
        default:
            break;
    }
}

// All ones in the first `lanes` of eight lanes (1 to 8), for maskload and maskstore.
inline __m256i lane_mask_avx2(int lanes) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace
}  // namespace fovea::ops
