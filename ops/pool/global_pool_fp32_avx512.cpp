// SPDX-License-Identifier: Apache-2.0
// global_pool_x86.h for AVX-512: 16 floats a register.
#if !defined(__AVX512F__)
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "ops/activation_avx512.h"
#include "ops/pool/global_pool_x86.h"

namespace fovea::ops {
namespace {

struct Lanes {
    using Vector = __m512;
    using Mask = __mmask16;
    static constexpr int kCount = 16;
    static Mask mask(int lanes) { return lane_mask_avx512(lanes); }
    static Vector all(float value) { return _mm512_set1_ps(value); }
    // MAXPS gives its second operand when one is a NaN.
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

void global_pool_fp32_avx512(const GlobalPoolFp32Args& args) {
    GlobalPool<Lanes>::run(args);
}

}  // namespace fovea::ops
