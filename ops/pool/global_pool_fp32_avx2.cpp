// SPDX-License-Identifier: Apache-2.0
// global_pool_x86.h for AVX2: 8 floats a register.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/activation_avx2.h"
#include "ops/pool/global_pool_x86.h"

namespace fovea::ops {
namespace {

struct Lanes {
    using Vector = __m256;
    using Mask = __m256i;
    static constexpr int kCount = 8;
    static Mask mask(int lanes) { return lane_mask_avx2(lanes); }
    static Vector all(float value) { return _mm256_set1_ps(value); }
    // MAXPS gives its second operand when one is a NaN.
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

void global_pool_fp32_avx2(const GlobalPoolFp32Args& args) {
    GlobalPool<Lanes>::run(args);
}

}  // namespace fovea::ops
