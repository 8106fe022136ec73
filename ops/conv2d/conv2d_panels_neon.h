// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_row.h"
#include "ops/panel_tile_neon.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

// One output row by panel_tile_neon.S's tiles. Pixels whose window reaches outside the row go one
// at a time, tap by tap. Where the taps of a kernel row lie side by side in memory they run as one:
// 9 steps for a 3x3 stem of 3 channels.
//
// A window is a list of runs of contiguous terms. Derived::sum adds up the runs of some columns:
// it decides how many at once. Derived::special_tiles may take over some columns from the first on
// whose window lies inside; it gives the one behind them.
template <typename Element, class Derived>
struct ConvPanels {
    static constexpr std::ptrdiff_t kBytes = sizeof(Element);

    const ConvRow<Element>& row;
    std::ptrdiff_t in_channel;  // the group's first
    int panels;                 // some neighbouring ones of the group
    int channels;               // that exist of the panels' outputs
    PanelTile<Element> tile;

    std::ptrdiff_t run_count(bool by_rows) const {
        return static_cast<std::ptrdiff_t>(row.args.kernel_height) *
               (by_rows ? 1 : row.args.kernel_width);
    }
    std::ptrdiff_t run_length(bool by_rows) const {
        return row.in_group * (by_rows ? row.args.kernel_width : 1);
    }

    // The input of a run of output column x's window, null where it is padding.
    const Element* run_input(std::ptrdiff_t x, std::ptrdiff_t run, bool by_rows) const {
        const Conv2dArgs<Element>& args = row.args;
        const std::ptrdiff_t a = by_rows ? run : run / args.kernel_width;
        const std::ptrdiff_t b = by_rows ? 0 : run % args.kernel_width;
        const std::ptrdiff_t column = x * args.stride_x - args.pad_left + b * args.dilation_x;
        if (args.rows[a] == nullptr || (!by_rows && (column < 0 || column >= args.input_width))) {
            return nullptr;
        }
        return args.rows[a] + column * args.input_stride + in_channel;
    }

    void compute_row() const {
        const auto& derived = static_cast<const Derived&>(*this);
        const bool by_rows = row.runs == 1;
        std::ptrdiff_t x = 0;
        for (; x < row.inside_begin; ++x) derived.sum(x, 1, false);
        x = derived.special_tiles(x);
        while (x < row.inside_end) {
            const std::ptrdiff_t pixels = derived.pixels_at_once(row.inside_end - x, by_rows);
            derived.sum(x, pixels, by_rows);
            x += pixels;
        }
        for (; x < row.args.output_width; ++x) derived.sum(x, 1, false);
    }

    static void run(const Conv2dArgs<Element>& args) {
        const ConvRow<Element> row = make_conv_row(args);
        for (std::ptrdiff_t group = 0; group < args.groups; ++group) {
            for (int panel = 0; panel < row.panels;) {
                const int panels = next_tile_panels(static_cast<int>(row.panels) - panel);
                const std::ptrdiff_t packed = group * row.panels + panel;
                const Derived columns = {
                    {.row = row,
                     .in_channel = group * row.in_group,
                     .panels = panels,
                     .channels = static_cast<int>(row.out_group) - panel * kPanel,
                     .tile = {.runs = nullptr,
                              .run_count = 0,
                              .length = 0,
                              .pixel_step = row.pixel_step * kBytes,
                              .weights = args.weights + packed * row.panel_size,
                              .next_weights = args.weights + (packed + panels - 1) * row.panel_size,
                              .bias = args.bias + packed * kPanel,
                              .output = args.output + group * row.out_group + panel * kPanel,
                              .output_step = args.output_stride * kBytes,
                              .residual = nullptr,
                              .residual_step = 0,
                              .activation = static_cast<std::ptrdiff_t>(args.activation),
                              .offset = 0,
                              .tiles = 0,
                              .sums_so_far = nullptr,
                              .sums_step = 0}}};
                columns.compute_row();
                panel += panels;
            }
        }
    }
};

}  // namespace
}  // namespace fovea::ops
