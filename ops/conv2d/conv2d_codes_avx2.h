// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// Codes of 16 bits whose columns lie beside each other: the inputs of a row of the window are one vector, times weights that are put in
// that order and widened once a row. A tile is 4 output columns x 16 outputs, 8 registers of sums.
// Others, and columns whose window reaches into padding: a tile is 4 output columns x 8 outputs. For each tap the weights of 4 inputs
// are loaded once, and the 4 inputs of each column broadcast: read with what lies behind them where that is still of the row, which
// weights of 0 are for.
#include "ops/conv2d/conv2d_codes.h"
#include "ops/panel_product_codes_avx2.h"

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
inline void compute_tile(const Conv2dCodesArgs<Input>& args, int first_column, int panel, const Epilogue<1>& epilogue) {
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
    __m256i totals[kColumns][1];
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) totals[x][0] = _mm256_add_epi32(sums[x].total(), epilogue.bias[0]);
    epilogue.template store<kColumns>(args.output, first_column * args.output.stride + panel * 8, totals);
}

template <typename Input>
inline Epilogue<1> epilogue_of(const Conv2dCodesArgs<Input>& args, int panel) {
    const int left = args.out_channels - panel * 8;
    return Epilogue<1>(args.bias, panel * 8, left < 8 ? left : 8, args.requantisation, args.output.type);
}

// The weights of a row of the window as a vector: element e of it is input e % in_channels of tap e / in_channels.
struct DenseRows {
    static constexpr int kPanels = 2;
    static constexpr int kMostPairs = 128;

    int pairs;         // of elements of a row, the second of the last perhaps none
    bool is_odd;       // it is: then the column behind the window is read too
    alignas(32) std::int8_t words[kPanels * kMostPairs * 32];

    static bool fit(const Conv2dS16S8Args& args) {
        const std::int64_t elements = static_cast<std::int64_t>(args.kernel_width) * args.in_channels;
        return args.dilation_x == 1 && args.input_stride == args.in_channels && args.in_channels <= kMostPairs &&
               (elements + 1) / 2 * args.kernel_height <= kMostPairs;
    }
    explicit DenseRows(const Conv2dS16S8Args& args)
        : pairs((args.kernel_width * args.in_channels + 1) / 2), is_odd(args.kernel_width * args.in_channels % 2 != 0) {}

    std::ptrdiff_t panel_bytes(const Conv2dS16S8Args& args) const { return static_cast<std::ptrdiff_t>(args.kernel_height) * pairs * 32; }
    void widen(const Conv2dS16S8Args& args, int panel, int panels) {
        const int quads = (args.in_channels + 3) / 4, elements = args.kernel_width * args.in_channels;
        const std::ptrdiff_t row_bytes = static_cast<std::ptrdiff_t>(args.kernel_width) * quads * 32;
        const std::int8_t* row = args.weights + panel * args.kernel_height * row_bytes;
        auto* to = reinterpret_cast<__m256i*>(words);
        const auto element = [&](int e) {
            if (e >= elements) return _mm256_setzero_si256();
            const int input = e % args.in_channels;
            const std::int8_t* const of_tap = row + (e / args.in_channels * quads + input / 4) * 32;
            const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(of_tap));
            return _mm256_srai_epi32(_mm256_sll_epi32(bytes, _mm_cvtsi32_si128(24 - 8 * (input % 4))), 24);
        };
        for (int a = 0; a < panels * args.kernel_height; ++a, row += row_bytes) {
            for (int e = 0; e < 2 * pairs; e += 2) *to++ = _mm256_blend_epi16(element(e), _mm256_slli_epi32(element(e + 1), 16), 0xAA);
        }
    }
};

// The output columns from first to end, none of whose windows reaches into padding.
template <int kPanels>
inline void compute_dense(const Conv2dS16S8Args& args, const DenseRows& rows, int panel, int first, int end) {
    const int channel = panel * 8;
    const int count = args.out_channels - channel < 8 * kPanels ? args.out_channels - channel : 8 * kPanels;
    const Epilogue<kPanels> epilogue(args.bias, channel, count, args.requantisation, args.output.type);
    const std::ptrdiff_t step = args.stride_x * args.input_stride;
    const auto compute_columns = [&]<int kColumns>(int x) {
        const std::ptrdiff_t left = (static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left) * args.input_stride;
        __m256i sums[kColumns][kPanels];
#pragma GCC unroll 4
        for (int k = 0; k < kColumns; ++k) {
#pragma GCC unroll 2
            for (int n = 0; n < kPanels; ++n) sums[k][n] = epilogue.bias[n];
        }
        for (int a = 0; a < args.kernel_height; ++a) {
            add_panel_products<std::int16_t, kColumns, kPanels>(sums, args.rows[a] + left, step, rows.words + a * rows.pairs * 32,
                                                                rows.panel_bytes(args), 2 * rows.pairs);
        }
        epilogue.template store<kColumns>(args.output, x * args.output.stride + channel, sums);
    };
    for (; first + 4 <= end; first += 4) compute_columns.template operator()<4>(first);
    for (; first < end; ++first) compute_columns.template operator()<1>(first);
}

inline void compute_dense_rows(const Conv2dS16S8Args& args) {
    DenseRows rows(args);
    // Of the columns that a window at output x needs, the first is x * stride_x - pad_left, the last `reach` behind it.
    const int reach = args.kernel_width - 1 + (rows.is_odd ? 1 : 0);
    const int begin = (args.pad_left + args.stride_x - 1) / args.stride_x;
    const int last = args.input_width - 1 - reach + args.pad_left;
    const int inside = last < 0 ? 0 : last / args.stride_x + 1;
    const int end = inside < args.output_width ? inside : args.output_width;
    for (int panel = 0; panel * 8 < args.out_channels; panel += DenseRows::kPanels) {
        const int panels = (args.out_channels + 7) / 8 - panel < DenseRows::kPanels ? 1 : DenseRows::kPanels;
        rows.widen(args, panel, panels);
        if (panels == 1) {
            compute_dense<1>(args, rows, panel, begin, end);
        } else {
            compute_dense<2>(args, rows, panel, begin, end);
        }
        for (int n = panel; n < panel + panels; ++n) {
            const Epilogue<1> epilogue = epilogue_of(args, n);
            for (int x = 0; x < args.output_width; ++x) {
                if (x < begin || x >= end) compute_tile<std::int16_t, 1, false>(args, x, n, epilogue);
            }
        }
    }
}

template <typename Input>
inline void compute(const Conv2dCodesArgs<Input>& args) {
    const int panels = (args.out_channels + 7) / 8;
    bool whole_rows = true;
    for (int a = 0; a < args.kernel_height; ++a) whole_rows = whole_rows && args.rows[a] != nullptr;
    if constexpr (sizeof(Input) == 2) {
        if (whole_rows && DenseRows::fit(args)) return compute_dense_rows(args);
    }
    // One column more than the windows need: 4 inputs of the last may reach into it.
    const std::ptrdiff_t reach = 3 * static_cast<std::ptrdiff_t>(args.stride_x) +
                                 (static_cast<std::ptrdiff_t>(args.kernel_width) - 1) * args.dilation_x +
                                 (args.in_channels % 4 == 0 ? 0 : 1);
    const bool four_behind = args.in_channels % 4 == 0 || args.input_stride + args.in_channels >= (args.in_channels + 3) / 4 * 4;
    for (int panel = 0; panel < panels; ++panel) {
        const Epilogue<1> epilogue = epilogue_of(args, panel);
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
