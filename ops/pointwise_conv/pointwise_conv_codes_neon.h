// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// Inputs of 8 bits are taken less 128, as numbers with a sign, and 128 times the weights' sum into the bias: two products of an
// output then fit 16 bits, so that 16 of them take an smull, an smlal and an sadalp. A tile is 4 pixels x 8 outputs: 16 registers
// of sums (two outputs each), 4 of weights of 8 inputs, one of inputs.
// Inputs of 16 bits: a tile is 4 pixels x 16 outputs, 16 registers of sums, 4 of inputs, one of an input's weights.
#include "ops/lane_product_codes_neon.h"
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
    return vreinterpretq_s8_u32(veorq_u32(vdupq_n_u32(word), vdupq_n_u32(0x80808080u)));
}

struct ByteWeights {
    int8x16_t low, high;
};
inline ByteWeights load_bytes(const std::int8_t* weights) {
    return {vld1q_s8(weights), vld1q_s8(weights + 16)};
}

template <int kPixels>
inline void compute_bytes(const PointwiseConvU8S8Args& args, std::size_t first_pixel, int panel, const Epilogue& epilogue) {
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
    Integers totals[kPixels];
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
        totals[p] = add({vpaddq_s32(sums[p][0], sums[p][1]), vpaddq_s32(sums[p][2], sums[p][3])}, epilogue.bias);
    }
    epilogue.store<kPixels>(args.output, static_cast<std::ptrdiff_t>(first_pixel) * args.output.stride + panel * 8, totals);
}

constexpr int kMostInputs = 128;  // whose weights are widened at a time

// Some pixels for some panels. widen: not done yet.
template <int kPixels, int kPanels>
inline void compute_words(const PointwiseConvS16S8Args& args, std::size_t first_pixel, int panel, const Epilogue (&epilogues)[2],
                          std::int16_t* words, bool widen) {
    const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>((args.in_channels + 3) / 4) * 32;
    const std::int16_t* const input = args.input + static_cast<std::ptrdiff_t>(first_pixel) * args.input_stride;
    Integers sums[kPanels][kPixels];
#pragma GCC unroll 2
    for (int n = 0; n < kPanels; ++n) {
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) sums[n][p] = epilogues[n].bias;
    }
    for (int first = 0; first < args.in_channels; first += kMostInputs) {
        const int left = args.in_channels - first;
        const int inputs = left < kMostInputs ? left : kMostInputs;
        for (int n = 0; widen && n < kPanels; ++n) {
            const std::int8_t* from = args.weights + (panel + n) * panel_bytes + first / 4 * 32;
            std::int16_t* const to = words + n * kMostInputs * 8;
            for (int i = 0; i < inputs; i += 4, from += 32) widen_weights(from, inputs - i < 4 ? inputs - i : 4, to + 8 * i);
        }
        add_lane_products<kPixels, kPanels>(sums, input + first, args.input_stride, words, kMostInputs * 8, inputs);
    }
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first_pixel) * args.output.stride + panel * 8;
#pragma GCC unroll 2
    for (int n = 0; n < kPanels; ++n) epilogues[n].store<kPixels>(args.output, at + 8 * n, sums[n]);
}

// All pixels for some panels.
template <int kPanels>
inline void compute_word_panels(const PointwiseConvS16S8Args& args, int panel) {
    const auto epilogue_of = [&](int n) {
        return Epilogue(load_integers(args.bias + n * 8), n * 8, args.out_channels, args.requantisation, args.output.type);
    };
    const Epilogue epilogues[2] = {epilogue_of(panel), epilogue_of(panel + kPanels - 1)};
    std::int16_t words[kPanels * kMostInputs * 8];
    const bool again = args.in_channels > kMostInputs;
    bool widen = true;
    std::size_t p = 0;
    for (; p + 4 <= args.pixels; p += 4, widen = again) compute_words<4, kPanels>(args, p, panel, epilogues, words, widen);
    for (; p < args.pixels; ++p, widen = again) compute_words<1, kPanels>(args, p, panel, epilogues, words, widen);
}

}  // namespace
}  // namespace fovea::ops
