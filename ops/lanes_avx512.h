// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "for files compiled with -mavx512f -mavx512vl -mavx512dq"
#endif

#include <immintrin.h>

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with baseline
// code.
namespace {

// One for each of the first `lanes` of eight or sixteen.
inline __mmask16 lane_mask_avx512(int lanes) {
    return static_cast<__mmask16>((1u << lanes) - 1u);
}

// A register of floats, for templates that are the same for all instruction sets.
struct LanesAvx512 {
    using Vector = __m512;
    using Mask = __mmask16;
    static constexpr int kCount = 16;
    static Mask mask(int lanes) { return lane_mask_avx512(lanes); }
    static Vector all(float value) { return _mm512_set1_ps(value); }
    // MAXPS and MINPS give their second operand when one is a NaN: these keep that of `value`.
    static Vector at_least(Vector value, Vector bound) { return _mm512_max_ps(bound, value); }
    static Vector at_most(Vector value, Vector bound) { return _mm512_min_ps(bound, value); }
    // And this the NaN of either.
    static Vector maximum(Vector so_far, Vector value) {
        const Vector larger = _mm512_max_ps(so_far, value);
        return _mm512_mask_mov_ps(larger, _mm512_cmp_ps_mask(so_far, so_far, _CMP_UNORD_Q), so_far);
    }
    template <bool kPartial>
    static Vector load(const float* source, Mask mask) {
        return kPartial ? _mm512_maskz_loadu_ps(mask, source) : _mm512_loadu_ps(source);
    }
    template <bool kPartial>
    static void store(float* target, Mask mask, Vector value) {
        if constexpr (kPartial) {
            _mm512_mask_storeu_ps(target, mask, value);
        } else {
            _mm512_storeu_ps(target, value);
        }
    }
};

}  // namespace
}  // namespace fovea::ops
