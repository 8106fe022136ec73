// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "for files compiled with -mavx2 -mfma"
#endif

#include <immintrin.h>

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with baseline
// code.
namespace {

// All ones in the first `lanes` of eight lanes (1 to 8), for maskload and maskstore.
inline __m256i lane_mask_avx2(int lanes) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// A register of floats, for templates that are the same for all instruction sets.
struct LanesAvx2 {
    using Vector = __m256;
    using Mask = __m256i;
    static constexpr int kCount = 8;
    static Mask mask(int lanes) { return lane_mask_avx2(lanes); }
    static Vector all(float value) { return _mm256_set1_ps(value); }
    // MAXPS and MINPS give their second operand when one is a NaN: these keep that of `value`.
    static Vector at_least(Vector value, Vector bound) { return _mm256_max_ps(bound, value); }
    static Vector at_most(Vector value, Vector bound) { return _mm256_min_ps(bound, value); }
    // And this the NaN of either.
    static Vector maximum(Vector so_far, Vector value) {
        const Vector larger = _mm256_max_ps(so_far, value);
        return _mm256_blendv_ps(larger, so_far, _mm256_cmp_ps(so_far, so_far, _CMP_UNORD_Q));
    }
    template <bool kPartial>
    static Vector load(const float* source, Mask mask) {
        return kPartial ? _mm256_maskload_ps(source, mask) : _mm256_loadu_ps(source);
    }
    template <bool kPartial>
    static void store(float* target, Mask mask, Vector value) {
        if constexpr (kPartial) {
            _mm256_maskstore_ps(target, mask, value);
        } else {
            _mm256_storeu_ps(target, value);
        }
    }
};

}  // namespace
}  // namespace fovea::ops
