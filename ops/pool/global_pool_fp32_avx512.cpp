// SPDX-License-Identifier: Apache-2.0
// Global pooling, 16 channels a register, AVX-512. The order of summation is that of
// global_pool_fp32_scalar.cpp, so the bits are the same.
//
//   ymm  4  sums of the current block of pixels, or maxima, for 64 channels
//   ymm  4  totals of the blocks before it
//   ymm  4  nodes of the tree over 8 pixels
// 64 channels are four whole cache lines of each pixel. The tree leaves one dependent addition for
// 8 pixels, so memory, not latency, sets the pace.
#if !defined(__AVX512F__)
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "ops/activation_avx512.h"
#include "ops/pool/pool.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 16;
constexpr std::size_t kTree = 8;
constexpr std::size_t kBlock = 64 * kTree;

// max that keeps a NaN of either side: MAXPS gives its second operand when one is a NaN.
inline __m512 maximum(__m512 so_far, __m512 value) {
    const __m512 larger = _mm512_max_ps(so_far, value);
    return _mm512_mask_mov_ps(larger, _mm512_cmp_ps_mask(so_far, so_far, _CMP_UNORD_Q), so_far);
}

template <bool kPartial>
inline __m512 load(const float* source, __mmask16 mask) {
    return kPartial ? _mm512_maskz_loadu_ps(mask, source) : _mm512_loadu_ps(source);
}

template <bool kPartial>
inline __m512 tree(const float* input, std::ptrdiff_t stride, __mmask16 mask) {
    const auto pair = [&](int p) {
        return _mm512_add_ps(load<kPartial>(input + p * stride, mask),
                             load<kPartial>(input + (p + 1) * stride, mask));
    };
    const __m512 first = _mm512_add_ps(pair(0), pair(2));
    const __m512 second = _mm512_add_ps(pair(4), pair(6));
    return _mm512_add_ps(first, second);
}

template <int kVectors, bool kPartial>
inline void mean(const GlobalPoolFp32Args& args, const float* input, __mmask16 mask,
                 __m512 (&results)[kVectors]) {
    for (__m512& result : results) result = _mm512_setzero_ps();
    for (std::size_t begin = 0; begin < args.pixels; begin += kBlock) {
        const std::size_t end = args.pixels - begin < kBlock ? args.pixels : begin + kBlock;
        __m512 sums[kVectors];
        for (__m512& sum : sums) sum = _mm512_setzero_ps();
        std::size_t p = begin;
        for (; p + kTree <= end; p += kTree, input += kTree * args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = _mm512_add_ps(
                    sums[v], tree<kPartial>(input + v * kLanes, args.input_stride, mask));
            }
        }
        for (; p < end; ++p, input += args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = _mm512_add_ps(sums[v], load<kPartial>(input + v * kLanes, mask));
            }
        }
        for (int v = 0; v < kVectors; ++v) results[v] = _mm512_add_ps(results[v], sums[v]);
    }
    const __m512 divisor = _mm512_set1_ps(static_cast<float>(args.pixels));
    for (__m512& result : results) result = _mm512_div_ps(result, divisor);
}

template <int kVectors, bool kPartial>
inline void pool_channels(const GlobalPoolFp32Args& args, int channel, __mmask16 mask) {
    const float* input = args.input + channel;
    __m512 results[kVectors];
    if (args.kind == PoolKind::kAverage) {
        mean<kVectors, kPartial>(args, input, mask, results);
    } else {
        for (__m512& result : results) result = _mm512_set1_ps(-__builtin_inff());
        for (std::size_t p = 0; p < args.pixels; ++p, input += args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                results[v] = maximum(results[v], load<kPartial>(input + v * kLanes, mask));
            }
        }
    }
    float* output = args.output + channel;
    for (int v = 0; v < kVectors; ++v) {
        if (kPartial) {
            _mm512_mask_storeu_ps(output + v * kLanes, mask, results[v]);
        } else {
            _mm512_storeu_ps(output + v * kLanes, results[v]);
        }
    }
}

}  // namespace

void global_pool_fp32_avx512(const GlobalPoolFp32Args& args) {
    const __mmask16 no_mask = lane_mask_avx512(kLanes);
    int c = args.channel_begin;
    for (; c + 4 * kLanes <= args.channel_end; c += 4 * kLanes) {
        pool_channels<4, false>(args, c, no_mask);
    }
    for (; c + kLanes <= args.channel_end; c += kLanes) {
        pool_channels<1, false>(args, c, no_mask);
    }
    if (c < args.channel_end) {
        pool_channels<1, true>(args, c, lane_mask_avx512(args.channel_end - c));
    }
}

}  // namespace fovea::ops
