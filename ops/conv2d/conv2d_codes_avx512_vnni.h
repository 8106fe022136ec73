// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512vnni -mavx512vl"
#endif

// Where columns lie beside each other, the inputs of a row of the window are one vector: its weights are put in that order once a row,
// unless the file has them so, and a tile of columns is one of pixels (pointwise_conv_codes_avx512_vnni.h). Of columns whose window reaches
// into padding the inputs are put beside each other first. Others go one by one, each tap apart.
#include "ops/conv2d/conv2d_codes.h"
#include "ops/panel_product_codes_avx512_vnni.h"

namespace fovea::ops {
namespace {

template <typename Input>
struct Panels {
    const Conv2dCodesArgs<Input>& args;
    const std::int8_t* weights;
    int quads;
    std::ptrdiff_t panel_bytes;

    Panels(const Conv2dCodesArgs<Input>& of, int panel)
        : args(of), quads((of.in_channels + 3) / 4),
          panel_bytes(static_cast<std::ptrdiff_t>(of.kernel_height) * of.kernel_width * quads * 32) {
        weights = of.weights + panel * panel_bytes;
    }
    const std::int8_t* of_tap(int a, int b) const {
        return weights + (static_cast<std::ptrdiff_t>(a) * args.kernel_width + b) * quads * 32;
    }
};

// The weights of the window's rows as vectors: element e of one is input e % in_channels of tap e / in_channels. Elements past the last are
// weights of 0.
template <typename Input>
struct DenseRows {
    static constexpr int kMostBytes = 16384, kMostElements = 1024;
    static constexpr int kElements = kStepInputs<Input>;

    int steps;            // of a row
    bool is_read_behind;  // what lies behind the window's last column
    const std::int8_t* first;
    std::ptrdiff_t row_bytes, panel_bytes;
    Input pads[kMostElements];  // a row that is padding
    alignas(64) std::int8_t ordered[kMostBytes];

    // Bytes whose channels are a multiple of 4 lie in the file as they are taken.
    static bool is_ordered(const Conv2dCodesArgs<Input>& args) { return sizeof(Input) == 1 && args.in_channels % 4 == 0; }
    static int steps_of(const Conv2dCodesArgs<Input>& args) { return (args.kernel_width * args.in_channels + kElements - 1) / kElements; }
    static bool fit(const Conv2dCodesArgs<Input>& args, int panels) {
        if (args.dilation_x != 1 || args.input_stride != args.in_channels) return false;
        if (static_cast<std::int64_t>(args.in_channels) * args.kernel_width > kMostElements - kElements) return false;
        return is_ordered(args) || static_cast<std::int64_t>(steps_of(args)) * args.kernel_height * panels * 32 <= kMostBytes;
    }

    DenseRows(const Panels<Input>& panels, int count)
        : steps(steps_of(panels.args)), is_read_behind(steps * kElements != panels.args.kernel_width * panels.args.in_channels) {
        const Conv2dCodesArgs<Input>& args = panels.args;
        gather(args, nullptr, 0, pads);
        if (is_ordered(args)) {
            first = panels.weights;
            row_bytes = static_cast<std::ptrdiff_t>(args.kernel_width) * panels.quads * 32;
            panel_bytes = panels.panel_bytes;
            return;
        }
        first = ordered;
        row_bytes = steps * 32;
        panel_bytes = row_bytes * args.kernel_height;
        std::int8_t* to = ordered;
        for (int n = 0; n < count; ++n) {
            for (int a = 0; a < args.kernel_height; ++a) {
                order_row(args, panels.quads, panels.of_tap(a, 0) + n * panels.panel_bytes, to);
                to += steps * 32;
            }
        }
    }

    // The inputs of the window's row at `row`, from `column` on, and codes of 0 outside the picture and past them.
    void gather(const Conv2dCodesArgs<Input>& args, const Input* row, std::ptrdiff_t column, Input* to) const {
        for (int tap = 0; tap < args.kernel_width; ++tap, ++column) {
            const bool is_inside = row != nullptr && column >= 0 && column < args.input_width;
            for (int i = 0; i < args.in_channels; ++i) {
                *to++ = is_inside ? row[column * args.input_stride + i] : static_cast<Input>(args.input_zero[i]);
            }
        }
        for (int e = args.kernel_width * args.in_channels; e < steps * kElements; ++e) *to++ = 0;
    }

private:
    static void order_row(const Conv2dCodesArgs<Input>& args, int quads, const std::int8_t* row, std::int8_t* to) {
        constexpr int kBits = 32 / kElements;
        const __m256i field = _mm256_set1_epi32(static_cast<int>((std::uint64_t{1} << kBits) - 1));
        __m256i together = _mm256_setzero_si256();
        int place = 0;  // in the step
        const auto finish_step = [&] {
            _mm256_store_si256(reinterpret_cast<__m256i*>(to), together);
            together = _mm256_setzero_si256();
            place = 0;
            to += 32;
        };
        for (int tap = 0; tap < args.kernel_width; ++tap, row += quads * 32) {
            for (int input = 0; input < args.in_channels; ++input) {
                const __m256i quad = *reinterpret_cast<const __m256i_u*>(row + input / 4 * 32);
                const __m256i top = _mm256_sll_epi32(quad, _mm_cvtsi32_si128(24 - 8 * (input % 4)));
                const __m256i weight = _mm256_and_si256(_mm256_srai_epi32(top, 24), field);
                together = _mm256_or_si256(together, _mm256_sll_epi32(weight, _mm_cvtsi32_si128(kBits * place)));
                if (++place == kElements) finish_step();
            }
        }
        if (place != 0) finish_step();
    }
};

// A column, tap by tap.
template <typename Input, int kPairs, bool kOdd>
[[gnu::noinline]] void compute_column(const Panels<Input>& panels, const PanelEpilogue<kPairs, kOdd>& epilogue, int channel, int x) {
    constexpr int kMostInputs = 128;  // at a time
    constexpr int kPanels = 2 * kPairs + (kOdd ? 1 : 0);
    const Conv2dCodesArgs<Input>& args = panels.args;
    PanelTile<1, kPairs, kOdd> tile;
    epilogue.start(tile);
    alignas(64) std::int8_t words[sizeof(Input) == 1 ? 1 : kPanels * kMostInputs / 4 * 64];
    for (int a = 0; a < args.kernel_height; ++a) {
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column =
                static_cast<std::ptrdiff_t>(x) * args.stride_x + static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
            const bool is_inside = args.rows[a] != nullptr && column >= 0 && column < args.input_width;
            for (int first = 0; first < args.in_channels; first += kMostInputs) {
                const int inputs = args.in_channels - first < kMostInputs ? args.in_channels - first : kMostInputs;
                Input pads[kMostInputs];
                if (!is_inside) {
                    for (int i = 0; i < inputs; ++i) pads[i] = static_cast<Input>(args.input_zero[first + i]);
                }
                const Input* const input = is_inside ? args.rows[a] + column * args.input_stride + first : pads;
                const std::int8_t* weights = panels.of_tap(a, b) + first / 4 * 32;
                std::ptrdiff_t panel_bytes = panels.panel_bytes;
                if constexpr (sizeof(Input) == 2) {
                    constexpr std::ptrdiff_t kWordBytes = kMostInputs / 4 * 64;
                    for (int n = 0; n < kPanels; ++n) {
                        for (int i = 0; i < inputs; i += 4) {
                            widen_weights(weights + n * panel_bytes + i * 8, words + n * kWordBytes + i * 16);
                        }
                    }
                    weights = words;
                    panel_bytes = kWordBytes;
                }
                tile.add(input, 0, weights, panel_bytes, inputs);
            }
        }
    }
    epilogue.store(args.output, x * args.output.stride + channel, tile);
}

// kPixels output columns from x on, none of whose windows reaches into padding beside the picture.
template <typename Input, int kPixels, int kPairs, bool kOdd>
[[gnu::always_inline]] inline void compute_tile(const Conv2dCodesArgs<Input>& args, const PanelEpilogue<kPairs, kOdd>& epilogue,
                                                const DenseRows<Input>& rows, int channel, int x) {
    const std::ptrdiff_t left = (static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left) * args.input_stride;
    PanelTile<kPixels, kPairs, kOdd> tile;
    epilogue.start(tile);
    for (int a = 0; a < args.kernel_height; ++a) {
        const bool is_there = args.rows[a] != nullptr;
        tile.add(is_there ? args.rows[a] + left : rows.pads, is_there ? args.stride_x * args.input_stride : 0,
                 rows.first + a * rows.row_bytes, rows.panel_bytes, rows.steps * kStepInputs<Input>);
    }
    epilogue.store(args.output, x * args.output.stride + channel, tile);
}

// One whose window does.
template <typename Input, int kPairs, bool kOdd>
[[gnu::noinline]] void compute_edge(const Conv2dCodesArgs<Input>& args, const PanelEpilogue<kPairs, kOdd>& epilogue,
                                    const DenseRows<Input>& rows, int channel, int x) {
    Input window[DenseRows<Input>::kMostElements];
    PanelTile<1, kPairs, kOdd> tile;
    epilogue.start(tile);
    for (int a = 0; a < args.kernel_height; ++a) {
        rows.gather(args, args.rows[a], static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left, window);
        tile.add(window, 0, rows.first + a * rows.row_bytes, rows.panel_bytes, rows.steps * kStepInputs<Input>);
    }
    epilogue.store(args.output, x * args.output.stride + channel, tile);
}

// All columns.
template <typename Input, int kPixels, int kPairs, bool kOdd>
[[gnu::noinline]] void compute_dense(const Panels<Input>& panels, const PanelEpilogue<kPairs, kOdd>& epilogue, int channel) {
    const Conv2dCodesArgs<Input>& args = panels.args;
    const DenseRows<Input> rows(panels, 2 * kPairs + (kOdd ? 1 : 0));
    // Of the columns that a window at output x needs, the first is x * stride_x - pad_left, the last `reach` behind it.
    const int behind = (kStepInputs<Input> + args.in_channels - 2) / args.in_channels;
    const int reach = args.kernel_width - 1 + (rows.is_read_behind ? behind : 0);
    const int last = args.input_width - 1 - reach + args.pad_left;
    const int inside = last < 0 ? 0 : last / args.stride_x + 1;
    const int end = inside < args.output_width ? inside : args.output_width;
    int x = 0;
    for (; x < args.output_width && x * args.stride_x < args.pad_left; ++x) compute_edge(args, epilogue, rows, channel, x);
    for (; x + kPixels <= end; x += kPixels) compute_tile<Input, kPixels>(args, epilogue, rows, channel, x);
    for (; x < end; ++x) compute_tile<Input, 1>(args, epilogue, rows, channel, x);
    for (; x < args.output_width; ++x) compute_edge(args, epilogue, rows, channel, x);
}

template <typename Input, int kPairs, bool kOdd>
[[gnu::noinline]] void compute_panels(const Conv2dCodesArgs<Input>& args, int panel) {
    constexpr int kPanels = 2 * kPairs + (kOdd ? 1 : 0);
    const int channel = panel * 8;
    const int count = args.out_channels - channel < 8 * kPanels ? args.out_channels - channel : 8 * kPanels;
    const PanelEpilogue<kPairs, kOdd> epilogue(args.bias, channel, count, args.requantisation, args.output.type,
                                               args.kernel_height * args.kernel_width * args.in_channels, kGreatestProduct<Input>);
    const Panels<Input> panels(args, panel);
    if (DenseRows<Input>::fit(args, kPanels)) {
        compute_dense<Input, kPanels == 8 ? 6 : 12>(panels, epilogue, channel);
    } else {
        for (int x = 0; x < args.output_width; ++x) compute_column(panels, epilogue, channel, x);
    }
}

template <typename Input>
inline void compute(const Conv2dCodesArgs<Input>& args) {
    const int panels = (args.out_channels + 7) / 8;
    int panel = 0;
    for (; panel + 8 <= panels; panel += 8) compute_panels<Input, 4, false>(args, panel);
    if (panel + 4 <= panels) {
        compute_panels<Input, 2, false>(args, panel);
        panel += 4;
    }
    if (panel + 2 <= panels) {
        compute_panels<Input, 1, false>(args, panel);
        panel += 2;
    }
    if (panel < panels) compute_panels<Input, 0, true>(args, panel);
}

}  // namespace
}  // namespace fovea::ops
