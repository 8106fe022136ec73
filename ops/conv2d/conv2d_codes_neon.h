// SPDX-License-Identifier: Apache-2.0
#pragma once

// The convolution of codes is a product of its windows: the inputs of an output column's window lie beside each other, tap by tap. Where
// the inputs of a tap fill no group of 4, and the window is small, they do so without gaps, and the weights are put in that order.
#include "ops/conv2d/conv2d_codes.h"
#include "ops/packed_codes_neon.h"

namespace fovea::ops {
namespace {

template <typename Input>
struct WindowRows {
    static constexpr bool kPadded = true;
    static constexpr int kMostInputs = 1024;  // that a tile asks for at once
    static constexpr int kMostRows = 8;       // of windows that are copied by rows
    static constexpr int kVector = 16 / static_cast<int>(sizeof(Input));

    const Conv2dCodesArgs<Input>& args;
    int tap_inputs;       // with those that fill up a group of 4, or without
    int in_row;           // of the window, if they lie beside each other in the picture, too, and fill a vector, but not three; else 0
    int last_left;        // input column of such a window, the last
    int rows;
    const Input* row_of[kMostRows];
    alignas(16) Input window[kMostInputs];

    WindowRows(const Conv2dCodesArgs<Input>& of, int of_tap) : args(of), tap_inputs(of_tap), rows(of.kernel_height) {
        const bool lie_so = of.dilation_x == 1 && of_tap == of.in_channels && of.input_stride == of.in_channels;
        in_row = of.kernel_width * of_tap;
        if (!lie_so || in_row < kVector || in_row > 2 * kVector || count() > kMostInputs || rows > kMostRows) in_row = 0;
        for (int a = 0; a < rows && in_row != 0; ++a) {
            row_of[a] = of.rows[a];
            in_row = of.rows[a] != nullptr ? in_row : 0;
        }
        last_left = of.input_width - of.kernel_width;
        const int cleared = count() + 16 < kMostInputs ? count() + 16 : kMostInputs;
        __builtin_memset(window, 0, sizeof(Input) * static_cast<std::size_t>(cleared));
    }
    int count() const { return args.kernel_height * args.kernel_width * tap_inputs; }
    const Input* inputs(std::size_t column, int first, int inputs) {
        const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(column) * args.stride_x - args.pad_left;
        if (in_row == 0 || left < 0 || left > last_left) {
            gather(left, first, inputs);
            return window;
        }
        const std::ptrdiff_t at = left * tap_inputs, step = in_row, last = in_row - kVector;
        Input* to = window;
        const Input* const* const end = row_of + rows;
        for (const Input* const* row = row_of; row != end; ++row, to += step) {
            const Input* const from = *row + at;
            const auto first_inputs = load_vector(from), last_inputs = load_vector(from + last);
            store_vector(to, first_inputs);
            store_vector(to + last, last_inputs);
        }
        return window;
    }
    static uint8x16_t load_vector(const Input* from) {
        uint8x16_t vector;
        __builtin_memcpy(&vector, from, 16);
        return vector;
    }
    static void store_vector(Input* to, uint8x16_t vector) { __builtin_memcpy(to, &vector, 16); }
    [[gnu::noinline]] void gather(std::ptrdiff_t left, int first, int inputs) {
        for (int a = 0; a < args.kernel_height; ++a) {
            for (int b = 0; b < args.kernel_width; ++b) {
                // Inputs `begin` to `end` of the tap are asked for, those past in_channels have weights of 0.
                const int at = (a * args.kernel_width + b) * tap_inputs - first;
                const int begin = at < 0 ? -at : 0, end = inputs - at < args.in_channels ? inputs - at : args.in_channels;
                if (begin >= end) continue;
                const std::ptrdiff_t x = left + std::ptrdiff_t{b} * args.dilation_x;
                const bool is_inside = args.rows[a] != nullptr && x >= 0 && x < args.input_width;
                const Input* const from = is_inside ? args.rows[a] + x * args.input_stride : nullptr;
                int i = begin;
                for (; is_inside && i + kVector <= end; i += kVector) __builtin_memcpy(window + at + i, from + i, 16);
                for (; i < end; ++i) window[at + i] = is_inside ? from[i] : static_cast<Input>(args.input_zero[i]);
            }
        }
    }
};

// Panels of a small window without gaps between the taps.
struct DensePanels {
    static constexpr int kMostInputs = 256, kMostBytes = kMostInputs * 8 * 4;

    alignas(16) std::int8_t rows[(kMostInputs + 3) * 8];  // [input][8] of a panel
    alignas(16) std::int8_t panels[kMostBytes];

    void take(const std::int8_t* weights, int taps, int in_channels, std::ptrdiff_t to) {
        std::int8_t* row = rows;
        for (int tap = 0; tap < taps; ++tap) {
            for (int left = in_channels; left > 0; left -= 4, weights += 32) {
                const int8x8x4_t of_input = vld4_s8(weights);
                vst1_s8(row, of_input.val[0]);
                if (left > 1) vst1_s8(row + 8, of_input.val[1]);
                if (left > 2) vst1_s8(row + 16, of_input.val[2]);
                if (left > 3) vst1_s8(row + 24, of_input.val[3]);
                row += 8 * (left < 4 ? left : 4);
            }
        }
        for (int i = 0; i < 3; ++i) vst1_s8(row + 8 * i, vdup_n_s8(0));
        for (const std::int8_t* quad = rows; quad < row; quad += 32, to += 32) {
            vst4_s8(panels + to, {{vld1_s8(quad), vld1_s8(quad + 8), vld1_s8(quad + 16), vld1_s8(quad + 24)}});
        }
    }
};

template <class Tiles, class LastTiles, typename Input>
inline void multiply_windows(const Conv2dCodesArgs<Input>& args, TileFunction function, TileFunction last_function) {
    const int taps = args.kernel_height * args.kernel_width, quads = (args.in_channels + 3) / 4;
    const bool is_dense = args.in_channels % 4 != 0 && taps * args.in_channels <= DensePanels::kMostInputs;
    WindowRows<Input> windows(args, is_dense ? args.in_channels : 4 * quads);
    const std::ptrdiff_t panel_bytes = std::ptrdiff_t{taps} * quads * 32;
    CodeProduct product = {.weights = args.weights,
                           .panel_bytes = panel_bytes,
                           .bias = args.bias,
                           .quads = taps * quads,
                           .rows = static_cast<std::size_t>(args.output_width),
                           .first_panel = 0,
                           .panels = (args.out_channels + 7) / 8,
                           .out_channels = args.out_channels,
                           .output = args.output,
                           .requantisation = args.requantisation};
    if (!is_dense) return multiply<Tiles, LastTiles>(product, windows, function, last_function);
    DensePanels dense;
    product.weights = dense.panels;
    product.quads = (taps * args.in_channels + 3) / 4;
    product.panel_bytes = std::ptrdiff_t{product.quads} * 32;
    const int at_once = static_cast<int>(DensePanels::kMostBytes / product.panel_bytes), panels = product.panels;
    for (; product.first_panel < panels; product.first_panel += product.panels) {
        const int left = panels - product.first_panel;
        product.panels = left < at_once ? left : at_once;
        for (int panel = 0; panel < product.panels; ++panel) {
            dense.take(args.weights + (product.first_panel + panel) * panel_bytes, taps, args.in_channels, panel * product.panel_bytes);
        }
        multiply<Tiles, LastTiles>(product, windows, function, last_function);
    }
}

}  // namespace
}  // namespace fovea::ops
