// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "for files compiled with -mavx512f -mavx512vl -mavx512dq"
#endif

#include <immintrin.h>

#include "ops/activation.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with baseline
// code.
namespace {

// The fusable activations of activation/fused_activation_scalar.h on kCount registers; see
// activation_avx2.h for the pragmas and the order of operands.
template <int kCount>
[[gnu::always_inline]] inline void apply_fused_activation(Activation activation,
                                                          __m512 (&values)[kCount]) {
    const __m512 zero = _mm512_setzero_ps();
    const __m512 six = _mm512_set1_ps(6.0f);
    const __m512 three = _mm512_set1_ps(3.0f);
    const __m512 sixth = _mm512_set1_ps(1.0f / 6.0f);
    switch (activation) {
        case Activation::kRelu:
#pragma GCC unroll 32
            for (__m512& v : values) v = _mm512_max_ps(zero, v);
            break;
        case Activation::kRelu6:
#pragma GCC unroll 32
            for (__m512& v : values) v = _mm512_min_ps(six, _mm512_max_ps(zero, v));
            break;
        case Activation::kHardSigmoid:
#pragma GCC unroll 32
            for (__m512& v : values) {
                const __m512 ramp = _mm512_max_ps(zero, _mm512_add_ps(v, three));
                v = _mm512_mul_ps(_mm512_min_ps(six, ramp), sixth);
            }
            break;
        case Activation::kHardSwish:
#pragma GCC unroll 32
            for (__m512& v : values) {
                const __m512 ramp = _mm512_max_ps(zero, _mm512_add_ps(v, three));
                v = _mm512_mul_ps(v, _mm512_mul_ps(_mm512_min_ps(six, ramp), sixth));
            }
            break;
        default:
            break;
    }
}

// One for each of the first `lanes` of eight or sixteen.
inline __mmask16 lane_mask_avx512(int lanes) {
    return static_cast<__mmask16>((1u << lanes) - 1u);
}

}  // namespace
}  // namespace fovea::ops
