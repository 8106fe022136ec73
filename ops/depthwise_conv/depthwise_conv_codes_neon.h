// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// A tile is 4 output columns x 8 channels, codes and weights as 16 bits: 8 registers of sums, one of a tap's weights, which the
// columns share, one of codes; two smlal for 8 products.
#include "ops/codes_neon.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"

namespace fovea::ops {
namespace {

// A block of channels of a row.
template <typename Input>
struct Block {
    const DepthwiseConvCodesArgs<Input>& args;
    std::ptrdiff_t padded_channels;
    int channel;
    int count;       // of channels: 8, or what is left
    bool whole_rows;  // none of the window's rows is padding
    int16x8_t pads;  // what lies outside the picture

    int16x8_t codes(int a, std::ptrdiff_t column) const {
        if (args.rows[a] == nullptr || column < 0 || column >= args.input_width) return pads;
        return load_words(args.rows[a] + column * args.input_stride + channel, count);
    }
};

// kInside: all 8 channels, and none of the window is padding, so that codes are loaded without a question.
template <typename Input, int kColumns, bool kInside>
inline void compute_tile(const Block<Input>& block, int first_column) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    Integers sums[kColumns];
    const Integers bias = load_integers(args.bias + block.channel);
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) sums[x] = bias;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * args.stride_x - args.pad_left;
    const std::ptrdiff_t step = args.stride_x * args.input_stride;
    const std::int8_t* weights = args.weights + block.channel;
    for (int a = 0; a < args.kernel_height; ++a) {
        for (int b = 0; b < args.kernel_width; ++b, weights += block.padded_channels) {
            const int16x8_t of_tap = vmovl_s8(vld1_s8(weights));
            const std::ptrdiff_t column = left + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            const Input* const row = kInside ? args.rows[a] + column * args.input_stride + block.channel : nullptr;
#pragma GCC unroll 4
            for (int x = 0; x < kColumns; ++x) {
                const int16x8_t codes = kInside ? load_words(row + x * step, 8)
                                                : block.codes(a, column + static_cast<std::ptrdiff_t>(x) * args.stride_x);
                sums[x].low = vmlal_s16(sums[x].low, vget_low_s16(codes), vget_low_s16(of_tap));
                sums[x].high = vmlal_high_s16(sums[x].high, codes, of_tap);
            }
        }
    }
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
        store_codes(args.output, static_cast<std::ptrdiff_t>(first_column + x) * args.output.stride + block.channel,
                    requantised(sums[x], block.channel, args.requantisation, args.output.type), block.count);
    }
}

template <typename Input>
inline void compute_four(const Block<Input>& block, int first_column) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * args.stride_x - args.pad_left;
    const std::ptrdiff_t reach = 3 * static_cast<std::ptrdiff_t>(args.stride_x) +
                                 (static_cast<std::ptrdiff_t>(args.kernel_width) - 1) * args.dilation_x;
    if (block.whole_rows && block.count == 8 && left >= 0 && left + reach < args.input_width) {
        compute_tile<Input, 4, true>(block, first_column);
    } else {
        compute_tile<Input, 4, false>(block, first_column);
    }
}

template <typename Input>
inline void compute(const DepthwiseConvCodesArgs<Input>& args) {
    bool whole_rows = true;
    for (int a = 0; a < args.kernel_height; ++a) whole_rows = whole_rows && args.rows[a] != nullptr;
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    for (int channel = 0; channel < args.channels; channel += 8) {
        const int count = args.channels - channel < 8 ? args.channels - channel : 8;
        const Integers zeros = load_integers(args.input_zero + channel);
        const Block<Input> block = {args, padded_channels, channel, count, whole_rows,
                                    vcombine_s16(vmovn_s32(zeros.low), vmovn_s32(zeros.high))};
        int x = 0;
        for (; x + 4 <= args.output_width; x += 4) compute_four(block, x);
        for (; x < args.output_width; ++x) compute_tile<Input, 1, false>(block, x);
    }
}

}  // namespace
}  // namespace fovea::ops
