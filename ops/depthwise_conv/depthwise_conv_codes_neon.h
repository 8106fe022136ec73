// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// 8 channels, codes and weights as 16 bits; two smlal for 8 products. A tile is 8 output columns, or 4: 16 registers of sums, those of the
// weights of a row of the window, one of the codes of a column, which are loaded once for all output columns that need them.
#include "ops/codes_neon.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"

namespace fovea::ops {
namespace {

// A block of channels of a row of the picture.
template <typename Input>
struct Block {
    const DepthwiseConvCodesArgs<Input>& args;
    std::ptrdiff_t padded_channels;
    int channel;
    int count;       // of channels: 8, or all where there are fewer
    int16x8_t pads;  // what lies outside the picture
    Epilogue epilogue;

    Block(const DepthwiseConvCodesArgs<Input>& of, int first)
        : args(of), padded_channels((static_cast<std::ptrdiff_t>(of.channels) + 7) / 8 * 8), channel(first),
          count(of.channels - first < 8 ? of.channels - first : 8), pads(narrowed(load_integers(of.input_zero + first))),
          epilogue(load_integers(of.bias + first), first, of.channels, of.requantisation, of.output.type) {}
    static int16x8_t narrowed(const Integers& values) { return vcombine_s16(vmovn_s32(values.low), vmovn_s32(values.high)); }
    int16x8_t weights_of(int a, int b) const {
        return vmovl_s8(vld1_s8(args.weights + (static_cast<std::ptrdiff_t>(a) * args.kernel_width + b) * padded_channels + channel));
    }
    static void add(Integers& sums, int16x8_t codes, int16x8_t weights) {
        sums.low = vmlal_s16(sums.low, vget_low_s16(codes), vget_low_s16(weights));
        sums.high = vmlal_high_s16(sums.high, codes, weights);
    }
    // What rows that are padding add, once for all columns.
    void add_pads() {
        for (int a = 0; a < args.kernel_height; ++a) {
            if (args.rows[a] != nullptr) continue;
            for (int b = 0; b < args.kernel_width; ++b) add(epilogue.bias, pads, weights_of(a, b));
        }
    }
};

// kInside: none of the columns is padding. Rows that are have been added.
template <typename Input, int kWidth, int kStride, int kColumns, bool kInside>
inline void compute_tile(const Block<Input>& block, int first_column) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * kStride - args.pad_left;
    const std::ptrdiff_t offset = left * args.input_stride + block.channel;
    Integers sums[kColumns];
#pragma GCC unroll 8
    for (int x = 0; x < kColumns; ++x) sums[x] = block.epilogue.bias;
    for (int a = 0; a < args.kernel_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        const Input* const row = args.rows[a] + offset;
        int16x8_t weights[kWidth];
#pragma GCC unroll 5
        for (int b = 0; b < kWidth; ++b) weights[b] = block.weights_of(a, b);
#pragma GCC unroll 20
        for (int j = 0; j < (kColumns - 1) * kStride + kWidth; ++j) {
            int16x8_t codes = block.pads;
            if (kInside || static_cast<std::size_t>(left + j) < static_cast<std::size_t>(args.input_width)) {
                codes = load_words(row + j * args.input_stride, 8);
            }
#pragma GCC unroll 8
            for (int x = 0; x < kColumns; ++x) {
                const int b = j - x * kStride;
                if (b >= 0 && b < kWidth) Block<Input>::add(sums[x], codes, weights[b]);
            }
        }
    }
    block.epilogue.template store<kColumns>(args.output, first_column * args.output.stride + block.channel, sums);
}

// All columns: the last four again where columns % 4 are left.
template <typename Input, int kWidth, int kStride>
inline void compute_row(const Block<Input>& block) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const int columns = args.output_width;
    const auto inside = [&](int x, int count) {
        const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(x) * kStride - args.pad_left;
        return left >= 0 && left + (count - 1) * kStride + kWidth <= args.input_width;
    };
    for (int x = 0; x < columns;) {
        if (sizeof(Input) == 1 && x + 8 <= columns && inside(x, 8)) {
            compute_tile<Input, kWidth, kStride, 8, true>(block, x);
            x += 8;
            continue;
        }
        if (x + 4 > columns) x = columns - 4;
        inside(x, 4) ? compute_tile<Input, kWidth, kStride, 4, true>(block, x) : compute_tile<Input, kWidth, kStride, 4, false>(block, x);
        x += 4;
    }
}

// Any window, and fewer channels than 8.
template <typename Input>
inline void compute_any(const Block<Input>& block) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    for (int x = 0; x < args.output_width; ++x) {
        Integers sums[1] = {block.epilogue.bias};
        for (int a = 0; a < args.kernel_height; ++a) {
            for (int b = 0; b < args.kernel_width; ++b) {
                const std::ptrdiff_t column =
                    static_cast<std::ptrdiff_t>(x) * args.stride_x + static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
                const bool is_inside = args.rows[a] != nullptr && column >= 0 && column < args.input_width;
                const int16x8_t codes =
                    is_inside ? load_words(args.rows[a] + column * args.input_stride + block.channel, block.count) : block.pads;
                Block<Input>::add(sums[0], codes, block.weights_of(a, b));
            }
        }
        block.epilogue.template store<1>(args.output, x * args.output.stride + block.channel, sums);
    }
}

template <typename Input>
inline void compute(const DepthwiseConvCodesArgs<Input>& args) {
    const bool is_usual = args.dilation_x == 1 && args.output_width >= 4 && (args.stride_x == 1 || args.stride_x == 2) &&
                          (args.kernel_width == 3 || args.kernel_width == 5);
    for (int channel = 0; channel < args.channels; channel += 8) {
        Block<Input> block(args, channel);
        if (!is_usual || block.count < 8) {
            compute_any(block);
            continue;
        }
        block.add_pads();
        if (args.kernel_width == 3) {
            args.stride_x == 1 ? compute_row<Input, 3, 1>(block) : compute_row<Input, 3, 2>(block);
        } else {
            args.stride_x == 1 ? compute_row<Input, 5, 1>(block) : compute_row<Input, 5, 2>(block);
        }
    }
}

}  // namespace
}  // namespace fovea::ops
