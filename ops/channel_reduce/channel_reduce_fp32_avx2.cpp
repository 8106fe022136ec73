// SPDX-License-Identifier: Apache-2.0
// Mean or maximum over channels, AVX2. The order of summation is that of
// channel_reduce_scalar.h (lane j holds the channels with c % 8 == j), so the bits are the
// same.
//
//   ymm  4  partial results of 4 pixels
// One pixel's sum is one chain of additions; four pixels at a time hide its latency (4 cycles).
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/channel_reduce/channel_reduce.h"
#include "ops/lanes_avx2.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 8;

// LanesAvx2::maximum of half a register.
inline __m128 maximum(__m128 so_far, __m128 value) {
    const __m128 larger = _mm_max_ps(so_far, value);
    return _mm_blendv_ps(larger, so_far, _mm_cmpunord_ps(so_far, so_far));
}

template <PoolKind kKind>
inline float reduce_lanes(__m256 partial) {
    const __m128 low = _mm256_castps256_ps128(partial);
    const __m128 high = _mm256_extractf128_ps(partial, 1);
    if constexpr (kKind == PoolKind::kMax) {
        const __m128 four = maximum(low, high);
        const __m128 two = maximum(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(maximum(two, _mm_movehdup_ps(two)));
    } else {
        const __m128 four = _mm_add_ps(low, high);
        const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }
}

template <PoolKind kKind, int kPixels>
inline void reduce_pixels(const ChannelReduceFp32Args& args, std::size_t pixel) {
    const float* input = args.input + static_cast<std::ptrdiff_t>(pixel) * args.input_stride;
    const __m256 start =
        kKind == PoolKind::kMax ? _mm256_set1_ps(-__builtin_inff()) : _mm256_setzero_ps();
    __m256 partial[kPixels];
    for (__m256& p : partial) p = start;
    int c = 0;
    for (; c + kLanes <= args.channels; c += kLanes) {
        for (int i = 0; i < kPixels; ++i) {
            const __m256 value = _mm256_loadu_ps(input + i * args.input_stride + c);
            partial[i] = kKind == PoolKind::kMax ? LanesAvx2::maximum(partial[i], value)
                                                 : _mm256_add_ps(partial[i], value);
        }
    }
    if (c < args.channels) {
        const __m256i mask = lane_mask_avx2(args.channels - c);
        for (int i = 0; i < kPixels; ++i) {
            const __m256 loaded = _mm256_maskload_ps(input + i * args.input_stride + c, mask);
            const __m256 value = _mm256_blendv_ps(start, loaded, _mm256_castsi256_ps(mask));
            partial[i] = kKind == PoolKind::kMax ? LanesAvx2::maximum(partial[i], value)
                                                 : _mm256_add_ps(partial[i], value);
        }
    }
    float* output = args.output + static_cast<std::ptrdiff_t>(pixel) * args.output_stride;
    for (int i = 0; i < kPixels; ++i) {
        const float result = reduce_lanes<kKind>(partial[i]);
        output[i * args.output_stride] =
            kKind == PoolKind::kMax ? result : result / static_cast<float>(args.channels);
    }
}

template <PoolKind kKind>
void reduce(const ChannelReduceFp32Args& args) {
    std::size_t p = 0;
    for (; p + 4 <= args.pixels; p += 4) reduce_pixels<kKind, 4>(args, p);
    for (; p < args.pixels; ++p) reduce_pixels<kKind, 1>(args, p);
}

}  // namespace

void channel_reduce_fp32_avx2(const ChannelReduceFp32Args& args) {
    if (args.kind == PoolKind::kMax) {
        reduce<PoolKind::kMax>(args);
    } else {
        reduce<PoolKind::kAverage>(args);
    }
}

}  // namespace fovea::ops
