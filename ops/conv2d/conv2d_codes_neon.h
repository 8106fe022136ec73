// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// Codes of 16 bits whose columns lie beside each other: the inputs of a row of the window are one vector, times weights that are put in
// that order and widened once a row. A tile is 4 output columns x 8 outputs.
// Others, and columns whose window reaches into padding: 2 output columns x 8 outputs, inputs and weights as 16 bits: 16 registers of
// sums, 4 of weights of 4 inputs of a tap.
#include "ops/conv2d/conv2d_codes.h"
#include "ops/lane_product_codes_neon.h"

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
inline void compute_tile(const Conv2dCodesArgs<Input>& args, int first_column, int panel, const Epilogue& epilogue) {
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
    Integers totals[kColumns];
#pragma GCC unroll 2
    for (int x = 0; x < kColumns; ++x) totals[x] = add(sums[x].total(), epilogue.bias);
    epilogue.store<kColumns>(args.output, first_column * args.output.stride + panel * 8, totals);
}

// The weights of a row of the window as a vector: element e of it is input e % in_channels of tap e / in_channels.
struct DenseRows {
    static constexpr int kMostElements = 256;

    std::int16_t words[kMostElements * 8];

    static bool fit(const Conv2dS16S8Args& args) {
        const std::int64_t elements = static_cast<std::int64_t>(args.kernel_height) * args.kernel_width * args.in_channels;
        return args.dilation_x == 1 && args.input_stride == args.in_channels && elements <= kMostElements;
    }
    void widen(const Conv2dS16S8Args& args, int panel) {
        const int quads = (args.in_channels + 3) / 4, taps = args.kernel_height * args.kernel_width;
        const std::int8_t* from = args.weights + static_cast<std::ptrdiff_t>(panel) * taps * quads * 32;
        std::int16_t* to = words;
        for (int tap = 0; tap < taps; ++tap) {
            for (int i = 0; i < args.in_channels; i += 4, from += 32) {
                const int inputs = args.in_channels - i < 4 ? args.in_channels - i : 4;
                widen_weights(from, inputs, to);
                to += 8 * inputs;
            }
        }
    }
};

// None of the windows of kColumns output columns reaches into padding.
template <int kColumns>
inline void compute_dense(const Conv2dS16S8Args& args, const DenseRows& rows, int first_column, int panel, const Epilogue& epilogue) {
    const std::ptrdiff_t left = (static_cast<std::ptrdiff_t>(first_column) * args.stride_x - args.pad_left) * args.input_stride;
    const int elements = args.kernel_width * args.in_channels;
    Integers sums[1][kColumns];
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) sums[0][x] = epilogue.bias;
    for (int a = 0; a < args.kernel_height; ++a) {
        const std::int16_t* const words = rows.words + a * elements * 8;
        add_lane_products<kColumns, 1>(sums, args.rows[a] + left, args.stride_x * args.input_stride, words, 0, elements);
    }
    epilogue.store<kColumns>(args.output, first_column * args.output.stride + panel * 8, sums[0]);
}

inline void compute_dense_rows(const Conv2dS16S8Args& args) {
    DenseRows rows;
    const int begin = (args.pad_left + args.stride_x - 1) / args.stride_x;
    const int last = args.input_width - args.kernel_width + args.pad_left;
    const int inside = last < 0 ? 0 : last / args.stride_x + 1;
    const int end = inside < args.output_width ? inside : args.output_width;
    for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
        const Epilogue epilogue(load_integers(args.bias + panel * 8), panel * 8, args.out_channels, args.requantisation, args.output.type);
        rows.widen(args, panel);
        int x = begin;
        for (; x + 4 <= end; x += 4) compute_dense<4>(args, rows, x, panel, epilogue);
        for (; x < end; ++x) compute_dense<1>(args, rows, x, panel, epilogue);
        for (x = 0; x < args.output_width; ++x) {
            if (x < begin || x >= end) compute_tile<std::int16_t, 1>(args, x, panel, epilogue);
        }
    }
}

template <typename Input>
inline void compute(const Conv2dCodesArgs<Input>& args) {
    if constexpr (sizeof(Input) == 2) {
        bool whole_rows = true;
        for (int a = 0; a < args.kernel_height; ++a) whole_rows = whole_rows && args.rows[a] != nullptr;
        if (whole_rows && DenseRows::fit(args)) return compute_dense_rows(args);
    }
    for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
        const Epilogue epilogue(load_integers(args.bias + panel * 8), panel * 8, args.out_channels, args.requantisation, args.output.type);
        int x = 0;
        for (; x + 2 <= args.output_width; x += 2) compute_tile<Input, 2>(args, x, panel, epilogue);
        for (; x < args.output_width; ++x) compute_tile<Input, 1>(args, x, panel, epilogue);
    }
}

}  // namespace
}  // namespace fovea::ops
