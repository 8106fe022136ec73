// SPDX-License-Identifier: Apache-2.0
// Mean or maximum over channels, NEON. The order of summation is that of
// channel_reduce_fp32_scalar.cpp (lane j of the two registers of a pixel holds the channels with
// c % 8 == j), so the bits are the same.
//
//   v  8  partial results of 4 pixels, two each
// One pixel's sums are two chains of additions; four pixels at a time hide their latency. FMAX
// keeps a NaN of either side.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/activation_neon.h"
#include "ops/channel_reduce/channel_reduce.h"

namespace fovea::ops {
namespace {

template <PoolKind kKind>
inline float32x4_t combine(float32x4_t left, float32x4_t right) {
    return kKind == PoolKind::kMax ? vmaxq_f32(left, right) : vaddq_f32(left, right);
}

// (0 + 2) + (1 + 3)
template <PoolKind kKind>
inline float reduce_lanes(float32x4_t four) {
    if constexpr (kKind == PoolKind::kMax) {
        return vmaxvq_f32(four);
    } else {
        const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
        return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
    }
}

// The first `lanes` (1 to 3) floats, followed by what does not change the result.
template <PoolKind kKind>
inline float32x4_t load_rest(const float* source, int lanes) {
    float32x4_t v = vdupq_n_f32(kKind == PoolKind::kMax ? -__builtin_inff() : 0.0f);
    v = vld1q_lane_f32(source, v, 0);
    if (lanes > 1) v = vld1q_lane_f32(source + 1, v, 1);
    if (lanes > 2) v = vld1q_lane_f32(source + 2, v, 2);
    return v;
}

template <PoolKind kKind, int kPixels>
inline void reduce_pixels(const ChannelReduceFp32Args& args, std::size_t pixel) {
    const float* input = args.input + static_cast<std::ptrdiff_t>(pixel) * args.input_stride;
    float32x4_t partial[kPixels][2];
    for (auto& pair : partial) {
        pair[0] = pair[1] = vdupq_n_f32(kKind == PoolKind::kMax ? -__builtin_inff() : 0.0f);
    }
    int c = 0;
    for (; c + 8 <= args.channels; c += 8) {
        for (int i = 0; i < kPixels; ++i) {
            const float* source = input + i * args.input_stride + c;
            partial[i][0] = combine<kKind>(partial[i][0], vld1q_f32(source));
            partial[i][1] = combine<kKind>(partial[i][1], vld1q_f32(source + 4));
        }
    }
    for (int half = 0; c < args.channels; c += 4, ++half) {
        const int lanes = args.channels - c;
        for (int i = 0; i < kPixels; ++i) {
            const float* source = input + i * args.input_stride + c;
            partial[i][half] = combine<kKind>(
                partial[i][half], lanes >= 4 ? vld1q_f32(source) : load_rest<kKind>(source, lanes));
        }
    }
    float* output = args.output + static_cast<std::ptrdiff_t>(pixel) * args.output_stride;
    for (int i = 0; i < kPixels; ++i) {
        const float result = reduce_lanes<kKind>(combine<kKind>(partial[i][0], partial[i][1]));
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

void channel_reduce_fp32_neon(const ChannelReduceFp32Args& args) {
    if (args.kind == PoolKind::kMax) {
        reduce<PoolKind::kMax>(args);
    } else {
        reduce<PoolKind::kAverage>(args);
    }
}

}  // namespace fovea::ops
