// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d_codes_neon.h"

namespace fovea::ops {
namespace {

// Where input `at` of row `a` of the window goes.
struct InputOrder {
    int in_row;  // inputs of a row of the window
    bool by_eights;

    int place(int a, int at) const {
        if (!by_eights) return a * in_row + at;
        return at < 8 ? 8 * a + at : 24 + a;
    }
};

template <typename Input>
struct WindowRows : CodeRows {
    static constexpr int kVector = 16 / static_cast<int>(sizeof(Input));
    static constexpr int kEights = 32;  // inputs of a window in the order of its own, and what fills the last group

    const Conv2dCodesArgs<Input>& args;
    int tap_inputs;  // with those that fill up a group of 4, or without
    InputOrder order;
    bool whole_rows;  // none is padding
    alignas(16) Input windows[kMostPackedInputs];

    WindowRows(const Conv2dCodesArgs<Input>& of, int of_tap)
        : args(of), tap_inputs(of_tap), order{of.kernel_width * of_tap, false} {
        count = of.kernel_height * of.kernel_width * of_tap;
        pack = pack_windows;
        order.by_eights = sizeof(Input) == 2 && of.dilation_x == 1 && of.in_channels == 3 && of_tap == 3 && of.input_stride == 3 &&
                          of.kernel_height == 3 && of.kernel_width == 3;
        whole_rows = order.by_eights && of.rows[0] != nullptr && of.rows[1] != nullptr && of.rows[2] != nullptr;
        const int used = order.by_eights ? 8 * kEights : count + 16;
        __builtin_memset(windows, 0, sizeof(Input) * static_cast<std::size_t>(used < kMostPackedInputs ? used : kMostPackedInputs));
    }
    static void pack_windows(CodeRows& rows, const CodeTileKind& kind, std::size_t column, int count, int first, int inputs,
                             std::uint8_t* to) {
        auto& self = static_cast<WindowRows&>(rows);
        std::ptrdiff_t left = static_cast<std::ptrdiff_t>(column) * self.args.stride_x - self.args.pad_left;
        if constexpr (sizeof(Input) == 2) {
            if (self.order.by_eights) {
                self.take_eights(left, count);
                return kind.pack(self.windows, 2 * kEights, count, inputs, true, to);
            }
        }
        for (int r = 0; r < count; ++r, left += self.args.stride_x, to += kind.row_bytes) {
            self.gather(left, first, inputs, self.windows);
            kind.pack(self.windows, 0, 1, inputs, true, to);
        }
    }
    void take_eights(std::ptrdiff_t left, int count)
        requires(sizeof(Input) == 2)
    {
        const std::ptrdiff_t step = args.stride_x, last = whole_rows ? args.input_width - 3 : -1;
        const Input *const a = args.rows[0], *const b = args.rows[1], *const c = args.rows[2];
        Input* to = windows;
        for (; count > 0; --count, left += step, to += kEights) {
            if (left < 0 || left > last) {
                gather(left, 0, CodeRows::count, to);
                continue;
            }
            const std::ptrdiff_t at = 3 * left;
            int16x8_t of_last = vld1q_lane_s16(a + at + 8, vdupq_n_s16(0), 0);
            of_last = vld1q_lane_s16(b + at + 8, of_last, 1);
            of_last = vld1q_lane_s16(c + at + 8, of_last, 2);
            vst1q_s16(to, vld1q_s16(a + at));
            vst1q_s16(to + 8, vld1q_s16(b + at));
            vst1q_s16(to + 16, vld1q_s16(c + at));
            vst1q_s16(to + 24, of_last);
        }
    }
    [[gnu::noinline]] void gather(std::ptrdiff_t left, int first, int inputs, Input* to) const {
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
                for (; is_inside && !order.by_eights && i + kVector <= end; i += kVector) __builtin_memcpy(to + at + i, from + i, 16);
                for (; i < end; ++i) {
                    to[order.place(a, b * tap_inputs + i) - first] = is_inside ? from[i] : static_cast<Input>(args.input_zero[i]);
                }
            }
        }
    }
};

// Panels of a small window without gaps between the taps.
struct DensePanels {
    static constexpr int kMostInputs = 256, kMostBytes = kMostInputs * 8 * 4;

    alignas(16) std::int8_t rows[(kMostInputs + 3) * 8];  // [input][8] of a panel
    alignas(16) std::int8_t panels[kMostBytes];

    void take(const std::int8_t* weights, int kernel_height, int kernel_width, int in_channels, const InputOrder& order,
              std::ptrdiff_t to) {
        for (int a = 0; a < kernel_height; ++a) {
            for (int b = 0; b < kernel_width; ++b) {
                for (int i = 0; i < in_channels; i += 4, weights += 32) {
                    const int8x8x4_t of_input = vld4_s8(weights);
                    const int left = in_channels - i, at = b * in_channels + i;
                    vst1_s8(rows + 8 * order.place(a, at), of_input.val[0]);
                    if (left > 1) vst1_s8(rows + 8 * order.place(a, at + 1), of_input.val[1]);
                    if (left > 2) vst1_s8(rows + 8 * order.place(a, at + 2), of_input.val[2]);
                    if (left > 3) vst1_s8(rows + 8 * order.place(a, at + 3), of_input.val[3]);
                }
            }
        }
        const int inputs = kernel_height * order.in_row;
        for (int i = inputs; i < inputs + 3; ++i) vst1_s8(rows + 8 * i, vdup_n_s8(0));
        const std::int8_t* quad = rows;
        for (int i = 0; i < inputs; i += 4, quad += 32, to += 32) {
            vst4_s8(panels + to, {{vld1_s8(quad), vld1_s8(quad + 8), vld1_s8(quad + 16), vld1_s8(quad + 24)}});
        }
    }
};

template <typename Input>
void multiply_any_windows(const Conv2dCodesArgs<Input>& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles) {
    const int taps = args.kernel_height * args.kernel_width, quads = (args.in_channels + 3) / 4;
    const bool is_dense = args.in_channels % 4 != 0 && taps * args.in_channels <= DensePanels::kMostInputs;
    WindowRows<Input> windows(args, is_dense ? args.in_channels : 4 * quads);
    CodeProduct product = product_of(args, taps * quads, static_cast<std::size_t>(args.output_width));
    if (!is_dense) return multiply_codes(product, windows, tiles, last_tiles);
    const std::ptrdiff_t panel_bytes = product.panel_bytes;
    DensePanels dense;
    product.weights = dense.panels;
    product.quads = (taps * args.in_channels + 3) / 4;
    product.panel_bytes = std::ptrdiff_t{product.quads} * 32;
    const int at_once = static_cast<int>(DensePanels::kMostBytes / product.panel_bytes), panels = product.panels;
    for (; product.first_panel < panels; product.first_panel += product.panels) {
        const int left = panels - product.first_panel;
        product.panels = left < at_once ? left : at_once;
        for (int panel = 0; panel < product.panels; ++panel) {
            dense.take(args.weights + (product.first_panel + panel) * panel_bytes, args.kernel_height, args.kernel_width, args.in_channels,
                       windows.order, panel * product.panel_bytes);
        }
        multiply_codes(product, windows, tiles, last_tiles);
    }
}

}  // namespace

void multiply_windows(const Conv2dU8S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles) {
    multiply_any_windows(args, tiles, last_tiles);
}

void multiply_windows(const Conv2dS16S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles) {
    multiply_any_windows(args, tiles, last_tiles);
}

}  // namespace fovea::ops
