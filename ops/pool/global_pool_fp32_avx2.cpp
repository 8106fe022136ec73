// SPDX-License-Identifier: Apache-2.0
// Global pooling, 8 channels a register, AVX2. The order of summation is that of
// global_pool_scalar.h, so the bits are the same.
//
//   ymm  4  sums of the current block of pixels, or maxima, for 32 channels
//   ymm  4  totals of the blocks before it
//   ymm  4  nodes of the tree over 8 pixels
// 32 channels are two whole cache lines of each pixel. The tree leaves one dependent addition for
// 8 pixels, so memory, not latency, sets the pace.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/activation_avx2.h"
#include "ops/pool/pool.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 8;
constexpr std::size_t kTree = 8;
constexpr std::size_t kBlock = 64 * kTree;

// max that keeps a NaN of either side: MAXPS gives its second operand when one is a NaN.
inline __m256 maximum(__m256 so_far, __m256 value) {
    const __m256 larger = _mm256_max_ps(so_far, value);
    return _mm256_blendv_ps(larger, so_far, _mm256_cmp_ps(so_far, so_far, _CMP_UNORD_Q));
}

template <bool kPartial>
inline __m256 load(const float* source, __m256i mask) {
    return kPartial ? _mm256_maskload_ps(source, mask) : _mm256_loadu_ps(source);
}

template <bool kPartial>
inline __m256 tree(const float* input, std::ptrdiff_t stride, __m256i mask) {
    const auto pair = [&](int p) {
        return _mm256_add_ps(load<kPartial>(input + p * stride, mask),
                             load<kPartial>(input + (p + 1) * stride, mask));
    };
    const __m256 first = _mm256_add_ps(pair(0), pair(2));
    const __m256 second = _mm256_add_ps(pair(4), pair(6));
    return _mm256_add_ps(first, second);
}

template <int kVectors, bool kPartial>
inline void mean(const GlobalPoolFp32Args& args, const float* input, __m256i mask,
                 __m256 (&results)[kVectors]) {
    for (__m256& result : results) result = _mm256_setzero_ps();
    for (std::size_t begin = 0; begin < args.pixels; begin += kBlock) {
        const std::size_t end = args.pixels - begin < kBlock ? args.pixels : begin + kBlock;
        __m256 sums[kVectors];
        for (__m256& sum : sums) sum = _mm256_setzero_ps();
        std::size_t p = begin;
        for (; p + kTree <= end; p += kTree, input += kTree * args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = _mm256_add_ps(
                    sums[v], tree<kPartial>(input + v * kLanes, args.input_stride, mask));
            }
        }
        for (; p < end; ++p, input += args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = _mm256_add_ps(sums[v], load<kPartial>(input + v * kLanes, mask));
            }
        }
        for (int v = 0; v < kVectors; ++v) results[v] = _mm256_add_ps(results[v], sums[v]);
    }
    const __m256 divisor = _mm256_set1_ps(static_cast<float>(args.pixels));
    for (__m256& result : results) result = _mm256_div_ps(result, divisor);
}

template <int kVectors, bool kPartial>
inline void pool_channels(const GlobalPoolFp32Args& args, int channel, __m256i mask) {
    const float* input = args.input + channel;
    __m256 results[kVectors];
    if (args.kind == PoolKind::kAverage) {
        mean<kVectors, kPartial>(args, input, mask, results);
    } else {
        for (__m256& result : results) result = _mm256_set1_ps(-__builtin_inff());
        for (std::size_t p = 0; p < args.pixels; ++p, input += args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                results[v] = maximum(results[v], load<kPartial>(input + v * kLanes, mask));
            }
        }
    }
    float* output = args.output + channel;
    for (int v = 0; v < kVectors; ++v) {
        if (kPartial) {
            _mm256_maskstore_ps(output + v * kLanes, mask, results[v]);
        } else {
            _mm256_storeu_ps(output + v * kLanes, results[v]);
        }
    }
}

}  // namespace

void global_pool_fp32_avx2(const GlobalPoolFp32Args& args) {
    const __m256i no_mask = _mm256_setzero_si256();
    int c = args.channel_begin;
    for (; c + 4 * kLanes <= args.channel_end; c += 4 * kLanes) {
        pool_channels<4, false>(args, c, no_mask);
    }
    for (; c + kLanes <= args.channel_end; c += kLanes) {
        pool_channels<1, false>(args, c, no_mask);
    }
    if (c < args.channel_end) {
        pool_channels<1, true>(args, c, lane_mask_avx2(args.channel_end - c));
    }
}

}  // namespace fovea::ops
