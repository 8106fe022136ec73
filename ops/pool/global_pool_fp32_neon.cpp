// SPDX-License-Identifier: Apache-2.0
// Global pooling, 4 channels a register, NEON. The order of summation is that of
// global_pool_fp32_scalar.cpp, so the bits are the same.
//
//   v  4  sums of the current block of pixels, or maxima, for 16 channels
//   v  4  totals of the blocks before it
//   v  4  nodes of the tree over 8 pixels
// 16 channels are a whole cache line of each pixel. The tree leaves one dependent addition for
// 8 pixels, so memory, not latency, sets the pace. FMAX keeps a NaN of either side.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/activation_neon.h"
#include "ops/pool/pool.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 4;
constexpr std::size_t kTree = 8;
constexpr std::size_t kBlock = 64 * kTree;

template <bool kPartial>
inline float32x4_t load(const float* source, int lanes) {
    return kPartial ? load_partial_neon(source, lanes) : vld1q_f32(source);
}

template <bool kPartial>
inline float32x4_t tree(const float* input, std::ptrdiff_t stride, int lanes) {
    const auto pair = [&](int p) {
        return vaddq_f32(load<kPartial>(input + p * stride, lanes),
                         load<kPartial>(input + (p + 1) * stride, lanes));
    };
    const float32x4_t first = vaddq_f32(pair(0), pair(2));
    const float32x4_t second = vaddq_f32(pair(4), pair(6));
    return vaddq_f32(first, second);
}

template <int kVectors, bool kPartial>
inline void mean(const GlobalPoolFp32Args& args, const float* input, int lanes,
                 float32x4_t (&results)[kVectors]) {
    for (float32x4_t& result : results) result = vdupq_n_f32(0.0f);
    for (std::size_t begin = 0; begin < args.pixels; begin += kBlock) {
        const std::size_t end = args.pixels - begin < kBlock ? args.pixels : begin + kBlock;
        float32x4_t sums[kVectors];
        for (float32x4_t& sum : sums) sum = vdupq_n_f32(0.0f);
        std::size_t p = begin;
        for (; p + kTree <= end; p += kTree, input += kTree * args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = vaddq_f32(sums[v],
                                    tree<kPartial>(input + v * kLanes, args.input_stride, lanes));
            }
        }
        for (; p < end; ++p, input += args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = vaddq_f32(sums[v], load<kPartial>(input + v * kLanes, lanes));
            }
        }
        for (int v = 0; v < kVectors; ++v) results[v] = vaddq_f32(results[v], sums[v]);
    }
    const float32x4_t divisor = vdupq_n_f32(static_cast<float>(args.pixels));
    for (float32x4_t& result : results) result = vdivq_f32(result, divisor);
}

template <int kVectors, bool kPartial>
inline void pool_channels(const GlobalPoolFp32Args& args, int channel, int lanes) {
    const float* input = args.input + channel;
    float32x4_t results[kVectors];
    if (args.kind == PoolKind::kAverage) {
        mean<kVectors, kPartial>(args, input, lanes, results);
    } else {
        for (float32x4_t& result : results) result = vdupq_n_f32(-__builtin_inff());
        for (std::size_t p = 0; p < args.pixels; ++p, input += args.input_stride) {
            for (int v = 0; v < kVectors; ++v) {
                results[v] = vmaxq_f32(results[v], load<kPartial>(input + v * kLanes, lanes));
            }
        }
    }
    float* output = args.output + channel;
    for (int v = 0; v < kVectors; ++v) {
        if (kPartial) {
            store_partial_neon(output + v * kLanes, results[v], lanes);
        } else {
            vst1q_f32(output + v * kLanes, results[v]);
        }
    }
}

}  // namespace

void global_pool_fp32_neon(const GlobalPoolFp32Args& args) {
    int c = args.channel_begin;
    for (; c + 4 * kLanes <= args.channel_end; c += 4 * kLanes) {
        pool_channels<4, false>(args, c, kLanes);
    }
    for (; c + kLanes <= args.channel_end; c += kLanes) {
        pool_channels<1, false>(args, c, kLanes);
    }
    if (c < args.channel_end) pool_channels<1, true>(args, c, args.channel_end - c);
}

}  // namespace fovea::ops
