// SPDX-License-Identifier: Apache-2.0
// Pixels of 1, 2, 3, 4, 6, 8, 12 or 24 channels: 48 bytes at a time, whose scales and offsets are
// three registers each, twice over. Any other number of channels: affine_xsimd.h. 8 bytes are
// widened to 8 floats a register.
//
//   ymm  3  scales, 3 offsets, 1 value on its way
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/affine/affine_pixels_pattern.h"
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

constexpr std::size_t kPeriod = 24;
constexpr std::size_t kStep = 48;

void map_steps(const std::uint8_t* input, const float* scale, const float* offset, float* output,
               std::size_t steps) {
    const __m256 scales[3] = {_mm256_loadu_ps(scale), _mm256_loadu_ps(scale + 8),
                              _mm256_loadu_ps(scale + 16)};
    const __m256 offsets[3] = {_mm256_loadu_ps(offset), _mm256_loadu_ps(offset + 8),
                               _mm256_loadu_ps(offset + 16)};
    for (; steps > 0; --steps, input += kStep, output += kStep) {
#pragma GCC unroll 6
        for (int v = 0; v < 6; ++v) {
            const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(input + 8 * v));
            const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
            _mm256_storeu_ps(output + 8 * v,
                             _mm256_add_ps(_mm256_mul_ps(values, scales[v % 3]), offsets[v % 3]));
        }
    }
}

}  // namespace

void affine_pixels_fp32_avx2(const AffinePixelsFp32Args& args) {
    if (kPeriod % static_cast<std::size_t>(args.channels) == 0) {
        map_pattern<kPeriod, kStep>(args, map_steps, [](float value) { return value; });
    } else {
        AffineKernel<Arch, AffinePixelsFp32Args, Loader>::run(args);
    }
}

}  // namespace fovea::ops
