// SPDX-License-Identifier: Apache-2.0
#pragma once

// Mean or maximum over channels, NEON. The order of summation is that of
// channel_reduce_scalar.h (lane j of the two registers of a pixel holds the channels with
// c % 8 == j), so the bits are the same.
//
//   v  8  partial results of 4 pixels, two each
// One pixel's sums are two chains of additions; four pixels at a time hide their latency. FMAX
// keeps a NaN of either side.
#include "ops/channel_reduce/channel_reduce.h"
#include "ops/lanes_neon.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
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

// The first `lanes` (1 to 4) elements, followed by what does not change the result.
template <PoolKind kKind, typename Element>
inline float32x4_t load_rest(const Element* source, int lanes) {
    const int32_t numbers[4] = {0, 1, 2, 3};
    const uint32x4_t is_there = vcltq_s32(vld1q_s32(numbers), vdupq_n_s32(lanes));
    const float32x4_t others = vdupq_n_f32(kKind == PoolKind::kMax ? -__builtin_inff() : 0.0f);
    return vbslq_f32(is_there, load_some_lanes(source, lanes), others);
}

template <PoolKind kKind, int kPixels, typename Element>
inline void reduce_pixels(const ChannelReduceArgs<Element>& args, std::size_t pixel) {
    const Element* input = args.input + static_cast<std::ptrdiff_t>(pixel) * args.input_stride;
    float32x4_t eights[kPixels][2];  // in registers: what follows, one pixel after another, would have them in memory
#pragma GCC unroll 4
    for (auto& pair : eights) {
        pair[0] = pair[1] = vdupq_n_f32(kKind == PoolKind::kMax ? -__builtin_inff() : 0.0f);
    }
    int c = 0;
    for (; c + 8 <= args.channels; c += 8) {
        const Element* source = input + c;
#pragma GCC unroll 4
        for (int i = 0; i < kPixels; ++i, source += args.input_stride) {
            float32x4_t values[2];
            load_lanes(source, values);
            eights[i][0] = combine<kKind>(eights[i][0], values[0]);
            eights[i][1] = combine<kKind>(eights[i][1], values[1]);
        }
    }
    float32x4_t partial[kPixels][2];
#pragma GCC unroll 4
    for (int i = 0; i < kPixels; ++i) {
        partial[i][0] = eights[i][0];
        partial[i][1] = eights[i][1];
    }
    for (int half = 0; c < args.channels; c += 4, ++half) {
        const int lanes = args.channels - c < 4 ? args.channels - c : 4;
        for (int i = 0; i < kPixels; ++i) {
            const Element* source = input + i * args.input_stride + c;
            partial[i][half] = combine<kKind>(partial[i][half], load_rest<kKind>(source, lanes));
        }
    }
    Element* output = args.output + static_cast<std::ptrdiff_t>(pixel) * args.output_stride;
    for (int i = 0; i < kPixels; ++i) {
        const float result = reduce_lanes<kKind>(combine<kKind>(partial[i][0], partial[i][1]));
        store_lanes(
            output + i * args.output_stride,
            vdupq_n_f32(kKind == PoolKind::kMax ? result
                                                : result / static_cast<float>(args.channels)),
            1);
    }
}

template <PoolKind kKind, typename Element>
void reduce(const ChannelReduceArgs<Element>& args) {
    std::size_t p = 0;
    for (; p + 4 <= args.pixels; p += 4) reduce_pixels<kKind, 4>(args, p);
    for (; p < args.pixels; ++p) reduce_pixels<kKind, 1>(args, p);
}

template <typename Element>
void channel_reduce_neon(const ChannelReduceArgs<Element>& args) {
    if (args.kind == PoolKind::kMax) {
        reduce<PoolKind::kMax>(args);
    } else {
        reduce<PoolKind::kAverage>(args);
    }
}

}  // namespace
}  // namespace fovea::ops
