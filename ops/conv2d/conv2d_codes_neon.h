// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// A tile is 2 output columns x 8 outputs, inputs and weights as 16 bits: 16 registers of sums, 4 of weights of 4 inputs of a tap.
#include "ops/codes_neon.h"
#include "ops/conv2d/conv2d_codes.h"

namespace fovea::ops {
namespace {

// The inputs from i on of a column of the window's row a, or codes of 0 outside the picture.
template <typename Input>
inline int16x8_t inputs_at(const Conv2dCodesArgs<Input>& args, int a, std::ptrdiff_t column, int i) {
    const int count = args.in_channels - i;
    if (args.rows[a] != nullptr && column >= 0 && column < args.input_width) {
        return broadcast_inputs(args.rows[a] + column * args.input_stride + i, count);
    }
    Input zeros[4] = {};
    for (int k = 0; k < 4 && k < count; ++k) zeros[k] = static_cast<Input>(args.input_zero[i + k]);
    return broadcast_inputs(zeros, 4);
}

template <typename Input, int kColumns>
inline void compute_tile(const Conv2dCodesArgs<Input>& args, int first_column, int panel) {
    const int quads = (args.in_channels + 3) / 4;
    const std::int8_t* weights =
        args.weights + static_cast<std::ptrdiff_t>(panel) * args.kernel_height * args.kernel_width * quads * 32;
    WordSums sums[kColumns];
#pragma GCC unroll 2
    for (int x = 0; x < kColumns; ++x) sums[x].clear();
    for (int a = 0; a < args.kernel_height; ++a) {
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(first_column) * args.stride_x +
                                          static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
            for (int i = 0; i < args.in_channels; i += 4, weights += 32) {
                const WordWeights of_panel = load_weights(weights);
#pragma GCC unroll 2
                for (int x = 0; x < kColumns; ++x) {
                    sums[x].add(inputs_at(args, a, column + static_cast<std::ptrdiff_t>(x) * args.stride_x, i), of_panel);
                }
            }
        }
    }
    const int channel = panel * 8;
    const int left = args.out_channels - channel;
    const Integers bias = load_integers(args.bias + channel);
#pragma GCC unroll 2
    for (int x = 0; x < kColumns; ++x) {
        store_codes(args.output, static_cast<std::ptrdiff_t>(first_column + x) * args.output.stride + channel,
                    requantised(add(sums[x].total(), bias), channel, args.requantisation, args.output.type), left < 8 ? left : 8);
    }
}

template <typename Input>
inline void compute(const Conv2dCodesArgs<Input>& args) {
    for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
        int x = 0;
        for (; x + 2 <= args.output_width; x += 2) compute_tile<Input, 2>(args, x, panel);
        for (; x < args.output_width; ++x) compute_tile<Input, 1>(args, x, panel);
    }
}

}  // namespace
}  // namespace fovea::ops
