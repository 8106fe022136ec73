// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// A tile is 4 output columns x 8 outputs. For each tap the weights of 4 inputs are loaded once, and the 4 inputs of each column
// broadcast: read with what lies behind them where that is still of the row, which weights of 0 are for.
#include "ops/codes_avx2.h"
#include "ops/conv2d/conv2d_codes.h"

namespace fovea::ops {
namespace {

// The inputs from i on of a column of the window's row a, or codes of 0 outside the picture.
template <typename Input>
inline __m256i inputs_at(const Conv2dCodesArgs<Input>& args, int a, std::ptrdiff_t column, int i) {
    if (args.rows[a] != nullptr && column >= 0 && column < args.input_width) {
        const std::ptrdiff_t row_end = (static_cast<std::ptrdiff_t>(args.input_width) - 1) * args.input_stride + args.in_channels;
        const std::ptrdiff_t at = column * args.input_stride + i;
        return broadcast_inputs(args.rows[a] + at, row_end - at >= 4 ? 4 : args.in_channels - i);
    }
    Input zeros[4] = {};
    for (int k = 0; k < 4 && i + k < args.in_channels; ++k) zeros[k] = static_cast<Input>(args.input_zero[i + k]);
    return broadcast_inputs(zeros, 4);
}

// kInside: no window of the tile reaches into padding, nor the last of its 4 inputs past the row.
template <typename Input, int kColumns, bool kInside>
inline void compute_tile(const Conv2dCodesArgs<Input>& args, int first_column, int panel, const Epilogue& epilogue) {
    using Sums = PanelSums<Input>;
    const int quads = (args.in_channels + 3) / 4;
    const std::int8_t* weights =
        args.weights + static_cast<std::ptrdiff_t>(panel) * args.kernel_height * args.kernel_width * quads * 32;
    const std::ptrdiff_t step = args.stride_x * args.input_stride;
    Sums sums[kColumns];
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) sums[x].clear();
    for (int a = 0; a < args.kernel_height; ++a) {
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(first_column) * args.stride_x +
                                          static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
            const Input* const row = kInside ? args.rows[a] + column * args.input_stride : nullptr;
            for (int i = 0; i < args.in_channels; i += 4, weights += 32) {
                const auto of_inputs = Sums::load(weights);
#pragma GCC unroll 4
                for (int x = 0; x < kColumns; ++x) {
                    sums[x].add(kInside ? broadcast_inputs(row + x * step + i, 4)
                                        : inputs_at(args, a, column + static_cast<std::ptrdiff_t>(x) * args.stride_x, i),
                                of_inputs);
                }
            }
        }
    }
    const int channel = panel * 8;
    const int left = args.out_channels - channel;
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
        store_codes(args.output, static_cast<std::ptrdiff_t>(first_column + x) * args.output.stride + channel,
                    epilogue.codes(sums[x].total()), left < 8 ? left : 8);
    }
}

template <typename Input>
inline void compute(const Conv2dCodesArgs<Input>& args) {
    const int panels = (args.out_channels + 7) / 8;
    bool whole_rows = true;
    for (int a = 0; a < args.kernel_height; ++a) whole_rows = whole_rows && args.rows[a] != nullptr;
    // One column more than the windows need: 4 inputs of the last may reach into it.
    const std::ptrdiff_t reach = 3 * static_cast<std::ptrdiff_t>(args.stride_x) +
                                 (static_cast<std::ptrdiff_t>(args.kernel_width) - 1) * args.dilation_x +
                                 (args.in_channels % 4 == 0 ? 0 : 1);
    const bool four_behind = args.in_channels % 4 == 0 || args.input_stride + args.in_channels >= (args.in_channels + 3) / 4 * 4;
    for (int panel = 0; panel < panels; ++panel) {
        const Epilogue epilogue(args.bias, panel * 8, args.requantisation, args.output.type);
        int x = 0;
        for (; x + 4 <= args.output_width; x += 4) {
            const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
            if (whole_rows && four_behind && left >= 0 && left + reach < args.input_width) {
                compute_tile<Input, 4, true>(args, x, panel, epilogue);
            } else {
                compute_tile<Input, 4, false>(args, x, panel, epilogue);
            }
        }
        for (; x < args.output_width; ++x) compute_tile<Input, 1, false>(args, x, panel, epilogue);
    }
}

}  // namespace
}  // namespace fovea::ops
