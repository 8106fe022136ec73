// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// A panel of 8 outputs a register, four of them for the four partial sums; products are rounded before they are added, as the
// contract says, and so not fused.
#include <immintrin.h>

#include <cstddef>

#include "ops/dense/dense_fp32_w8.h"

namespace fovea::ops {
namespace {

inline __m256 product(const float* input, const std::int8_t* weights) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights));
    return _mm256_mul_ps(_mm256_broadcast_ss(input), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
}

}  // namespace

void dense_fp32_w8_avx2(const DenseFp32W8Args& args) {
    for (int panel = args.panel_begin; panel < args.panel_end; ++panel) {
        const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * args.in_features * 8;
        __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        int i = 0;
        for (; i + 4 <= args.in_features; i += 4, weights += 32) {
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) sums[k] = _mm256_add_ps(sums[k], product(args.input + i + k, weights + 8 * k));
        }
        for (int k = 0; i + k < args.in_features; ++k) {
            sums[k] = _mm256_add_ps(sums[k], product(args.input + i + k, weights + 8 * k));
        }
        const __m256 total = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
        const int o = panel * 8;
        const __m256 scaled = _mm256_mul_ps(total, _mm256_loadu_ps(args.scale + o));
        const __m256 result = _mm256_add_ps(scaled, _mm256_loadu_ps(args.bias + o));
        if (o + 8 <= args.out_features) {
            _mm256_storeu_ps(args.output + o, result);
        } else {
            alignas(32) float lanes[8];
            _mm256_store_ps(lanes, result);
            for (int lane = 0; o + lane < args.out_features; ++lane) args.output[o + lane] = lanes[lane];
        }
    }
}

}  // namespace fovea::ops
