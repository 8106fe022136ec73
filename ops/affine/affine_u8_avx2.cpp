// SPDX-License-Identifier: Apache-2.0
// affine_xsimd.h for AVX2: 8 bytes are widened to 8 floats a register.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/affine/affine_xsimd.h"

namespace fovea::ops {
namespace {

using Arch = xsimd::fma3<xsimd::avx2>;

struct Loader {
    static constexpr int kVectors = 1;
    static void load(const std::uint8_t* source, xsimd::batch<float, Arch> (&values)[1]) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(source));
        values[0] = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    }
};

}  // namespace

void affine_u8_avx2(const AffineU8Args& args) {
    AffineKernel<Arch, AffineU8Args, Loader>::run(args);
}

}  // namespace fovea::ops
