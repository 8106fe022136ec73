// SPDX-License-Identifier: Apache-2.0
// Windowed pooling, 8 channels a register, AVX2.
//
//   ymm  4  results of 32 channels of one output (1 for the channels left over)
// Four are enough to hide the latency of a sum; windows are small and memory sets the pace.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/lanes_avx2.h"
#include "ops/pool/pool.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 8;

template <PoolKind kKind, int kVectors, bool kPartial>
inline void pool_channels(const PoolFp32Args& args, int x, int channel, __m256i mask) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    __m256 results[kVectors];
    for (__m256& result : results) {
        result = kKind == PoolKind::kMax ? _mm256_set1_ps(-__builtin_inff()) : _mm256_setzero_ps();
    }
    int count = 0;
    for (int a = 0; a < args.window_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        for (int b = 0; b < args.window_width; ++b) {
            const std::ptrdiff_t column = first + b;
            if (column < 0 || column >= args.input_width) continue;
            const float* input = args.rows[a] + column * args.input_stride + channel;
            for (int v = 0; v < kVectors; ++v) {
                const __m256 value = kPartial ? _mm256_maskload_ps(input + v * kLanes, mask)
                                              : _mm256_loadu_ps(input + v * kLanes);
                results[v] = kKind == PoolKind::kMax ? LanesAvx2::maximum(results[v], value)
                                                     : _mm256_add_ps(results[v], value);
            }
            ++count;
        }
    }
    if (kKind == PoolKind::kAverage && count > 0) {
        if (args.count_padding) count = args.window_height * args.window_width;
        const __m256 divisor = _mm256_set1_ps(static_cast<float>(count));
        for (__m256& result : results) result = _mm256_div_ps(result, divisor);
    }
    float* output = args.output + x * args.output_stride + channel;
    for (int v = 0; v < kVectors; ++v) {
        if (kPartial) {
            _mm256_maskstore_ps(output + v * kLanes, mask, results[v]);
        } else {
            _mm256_storeu_ps(output + v * kLanes, results[v]);
        }
    }
}

template <PoolKind kKind>
void pool_row(const PoolFp32Args& args) {
    const __m256i no_mask = _mm256_setzero_si256();
    for (int x = 0; x < args.output_width; ++x) {
        int c = 0;
        for (; c + 4 * kLanes <= args.channels; c += 4 * kLanes) {
            pool_channels<kKind, 4, false>(args, x, c, no_mask);
        }
        for (; c + kLanes <= args.channels; c += kLanes) {
            pool_channels<kKind, 1, false>(args, x, c, no_mask);
        }
        if (c < args.channels) {
            pool_channels<kKind, 1, true>(args, x, c, lane_mask_avx2(args.channels - c));
        }
    }
}

}  // namespace

void pool_fp32_avx2(const PoolFp32Args& args) {
    if (args.kind == PoolKind::kMax) {
        pool_row<PoolKind::kMax>(args);
    } else {
        pool_row<PoolKind::kAverage>(args);
    }
}

}  // namespace fovea::ops
