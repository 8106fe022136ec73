// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// Inputs of 8 bits are taken less 128, as numbers with a sign, and 128 times the weights' sum into the bias: two products of an
// output then fit 16 bits, so that 16 of them take an smull, an smlal and an sadalp. A tile is 4 pixels x 8 outputs: 16 registers
// of sums (two outputs each), 4 of weights of 8 inputs, one of inputs.
// Inputs of 16 bits: a tile is 2 pixels x 8 outputs, 16 registers of sums, 4 of weights of 4 inputs.
#include "ops/codes_neon.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

// 4 inputs less 128 in every 4 bytes, those from `count` on 0 before.
inline int8x16_t signed_inputs(const std::uint8_t* inputs, int count) {
    std::uint32_t word = 0;
    if (count >= 4) {
        __builtin_memcpy(&word, inputs, 4);
    } else {
        std::uint8_t lanes[4] = {};
        for (int lane = 0; lane < count; ++lane) lanes[lane] = inputs[lane];
        __builtin_memcpy(&word, lanes, 4);
    }
    return vreinterpretq_s8_u32(vdupq_n_u32(word ^ 0x80808080u));
}

struct ByteWeights {
    int8x16_t low, high;
};
inline ByteWeights load_bytes(const std::int8_t* weights) {
    return {vld1q_s8(weights), vld1q_s8(weights + 16)};
}

template <int kPixels>
inline void compute_bytes(const PointwiseConvU8S8Args& args, std::size_t first_pixel, int panel, const Integers& bias) {
    const int quads = (args.in_channels + 3) / 4;
    const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * quads * 32;
    const std::uint8_t* const input = args.input + static_cast<std::ptrdiff_t>(first_pixel) * args.input_stride;
    int32x4_t sums[kPixels][4];  // of two outputs each
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) sums[p][k] = vdupq_n_s32(0);
    }
    int quad = 0;
    for (; quad + 2 <= quads; quad += 2, weights += 64) {
        const ByteWeights first = load_bytes(weights), second = load_bytes(weights + 32);
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) {
            const std::uint8_t* const pixel = input + p * args.input_stride + quad * 4;
            const int8x16_t here = signed_inputs(pixel, 4);
            const int8x16_t next = signed_inputs(pixel + 4, args.in_channels - quad * 4 - 4);
            const int16x8_t products[4] = {
                vmlal_s8(vmull_s8(vget_low_s8(first.low), vget_low_s8(here)), vget_low_s8(second.low), vget_low_s8(next)),
                vmlal_high_s8(vmull_high_s8(first.low, here), second.low, next),
                vmlal_s8(vmull_s8(vget_low_s8(first.high), vget_low_s8(here)), vget_low_s8(second.high), vget_low_s8(next)),
                vmlal_high_s8(vmull_high_s8(first.high, here), second.high, next)};
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) sums[p][k] = vpadalq_s16(sums[p][k], products[k]);
        }
    }
    if (quad < quads) {
        const ByteWeights last = load_bytes(weights);
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) {
            const int8x16_t here = signed_inputs(input + p * args.input_stride + quad * 4, args.in_channels - quad * 4);
            sums[p][0] = vpadalq_s16(sums[p][0], vmull_s8(vget_low_s8(last.low), vget_low_s8(here)));
            sums[p][1] = vpadalq_s16(sums[p][1], vmull_high_s8(last.low, here));
            sums[p][2] = vpadalq_s16(sums[p][2], vmull_s8(vget_low_s8(last.high), vget_low_s8(here)));
            sums[p][3] = vpadalq_s16(sums[p][3], vmull_high_s8(last.high, here));
        }
    }
    const int channel = panel * 8;
    const int left = args.out_channels - channel;
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
        const Integers total = {vpaddq_s32(sums[p][0], sums[p][1]), vpaddq_s32(sums[p][2], sums[p][3])};
        store_codes(args.output, (static_cast<std::ptrdiff_t>(first_pixel) + p) * args.output.stride + channel,
                    requantised(add(total, bias), channel, args.requantisation, args.output.type), left < 8 ? left : 8);
    }
}

template <int kPixels>
inline void compute_words(const PointwiseConvS16S8Args& args, std::size_t first_pixel, int panel) {
    const int quads = (args.in_channels + 3) / 4;
    const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * quads * 32;
    const std::int16_t* const input = args.input + static_cast<std::ptrdiff_t>(first_pixel) * args.input_stride;
    WordSums sums[kPixels];
#pragma GCC unroll 2
    for (int p = 0; p < kPixels; ++p) sums[p].clear();
    for (int i = 0; i < args.in_channels; i += 4, weights += 32) {
        const WordWeights of_panel = load_weights(weights);
#pragma GCC unroll 2
        for (int p = 0; p < kPixels; ++p) {
            sums[p].add(broadcast_inputs(input + p * args.input_stride + i, args.in_channels - i), of_panel);
        }
    }
    const int channel = panel * 8;
    const int left = args.out_channels - channel;
    const Integers bias = load_integers(args.bias + channel);
#pragma GCC unroll 2
    for (int p = 0; p < kPixels; ++p) {
        store_codes(args.output, (static_cast<std::ptrdiff_t>(first_pixel) + p) * args.output.stride + channel,
                    requantised(add(sums[p].total(), bias), channel, args.requantisation, args.output.type), left < 8 ? left : 8);
    }
}

}  // namespace
}  // namespace fovea::ops
