// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Register tile: 4 output pixels x 16 channels, as panel_tile_neon.S draws it. Pixels whose
// window reaches outside the row go one at a time, tap by tap. Where the taps of a kernel row lie side
// by side in memory they run as one: 9 steps for a 3x3 stem of 3 channels. The stem of stride 2 has tiles
// of its own, which stem_tile_neon.S draws.
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_row.h"
#include "ops/conv2d/stem_tile_neon.h"
#include "ops/panel_tile_neon.h"

namespace fovea::ops {
namespace {

constexpr std::ptrdiff_t kFloatBytes = sizeof(float);
constexpr std::ptrdiff_t kMaxRuns = 32;  // a kernel with more of them goes in parts, pixel by pixel

// Some neighbouring panels of a group, and how a window's taps are cut into runs: by kernel rows, or
// tap by tap.
struct PanelColumns {
    const ConvRow& row;
    std::ptrdiff_t in_channel;  // the group's first
    int panels;
    int channels;  // that exist of the panels' outputs
    PanelTile tile;
};

// The input of a run of output column x's window, null where it is padding.
inline const float* run_input(const PanelColumns& columns, std::ptrdiff_t x, std::ptrdiff_t run,
                              bool by_rows) {
    const Conv2dFp32Args& args = columns.row.args;
    const std::ptrdiff_t a = by_rows ? run : run / args.kernel_width;
    const std::ptrdiff_t b = by_rows ? 0 : run % args.kernel_width;
    const std::ptrdiff_t column = x * args.stride_x - args.pad_left + b * args.dilation_x;
    if (args.rows[a] == nullptr || (!by_rows && (column < 0 || column >= args.input_width))) {
        return nullptr;
    }
    return args.rows[a] + column * args.input_stride + columns.in_channel;
}

// Output columns x .. x + pixels - 1. By rows: only where the windows lie inside the row.
void compute_columns(const PanelColumns& columns, std::ptrdiff_t x, std::ptrdiff_t pixels,
                     bool by_rows) {
    const Conv2dFp32Args& args = columns.row.args;
    const std::ptrdiff_t count =
        static_cast<std::ptrdiff_t>(args.kernel_height) * (by_rows ? 1 : args.kernel_width);
    const float* runs[kMaxRuns];
    float sums[kMaxTilePanels * kPanel];
    PanelTile tile = columns.tile;
    tile.runs = runs;
    tile.length = columns.row.in_group * (by_rows ? args.kernel_width : 1);
    tile.output += x * args.output_stride;
    for (std::ptrdiff_t first = 0; first < count; first += kMaxRuns) {
        const bool last = count - first <= kMaxRuns;
        tile.run_count = last ? count - first : kMaxRuns;
        for (std::ptrdiff_t run = 0; run < tile.run_count; ++run) {
            runs[run] = run_input(columns, x, first + run, by_rows);
        }
        if (last) {
            compute_pixels(tile, pixels, columns.panels, columns.channels);
        } else {  // one pixel, whose sums so far take the bias's place
            PanelTile part = tile;
            part.output = sums;
            part.tiles = 1;
            part.activation = static_cast<std::ptrdiff_t>(Activation::kNone);
            compute_whole_panels(part, 1, columns.panels);
            tile.bias = sums;
            tile.weights += kMaxRuns * tile.length * kPanel;
            tile.next_weights += kMaxRuns * tile.length * kPanel;
        }
    }
}

bool is_stem(const PanelColumns& columns) {
    const ConvRow& row = columns.row;
    return row.runs == 1 && row.in_group == 3 && row.args.kernel_width == 3 &&
           row.args.kernel_height == 3 && row.args.stride_x == 2 &&
           columns.channels >= kStemChannels && columns.panels * kPanel == kStemChannels;
}

// As many tiles of a stem as there are from output column x to `end`; gives the column behind them.
std::ptrdiff_t compute_stem(const PanelColumns& columns, std::ptrdiff_t x, std::ptrdiff_t end) {
    const Conv2dFp32Args& args = columns.row.args;
    const std::ptrdiff_t tiles = (end - x) / kStemPixels;
    if (tiles == 0) return x;
    const StemTile tile = {
        .rows = {run_input(columns, x, 0, true), run_input(columns, x, 1, true),
                 run_input(columns, x, 2, true)},
        .weights = columns.tile.weights,
        .next_weights = columns.tile.next_weights,
        .bias = columns.tile.bias,
        .output = columns.tile.output + x * args.output_stride,
        .output_step = columns.tile.output_step,
        .activation = columns.tile.activation,
        .tiles = tiles,
    };
    stem_tile_neon(&tile);
    return x + tiles * kStemPixels;
}

void compute_row(const PanelColumns& columns) {
    const ConvRow& row = columns.row;
    const bool by_rows = row.runs == 1;
    const std::ptrdiff_t runs =
        static_cast<std::ptrdiff_t>(row.args.kernel_height) * (by_rows ? 1 : row.args.kernel_width);
    std::ptrdiff_t x = 0;
    for (; x < row.inside_begin; ++x) compute_columns(columns, x, 1, false);
    if (is_stem(columns)) x = compute_stem(columns, x, row.inside_end);
    while (x < row.inside_end) {
        const std::ptrdiff_t pixels = runs > kMaxRuns ? 1 : row.inside_end - x;
        compute_columns(columns, x, pixels, by_rows);
        x += pixels;
    }
    for (; x < row.args.output_width; ++x) compute_columns(columns, x, 1, false);
}

}  // namespace

void conv2d_fp32_neon(const Conv2dFp32Args& args) {
    const ConvRow row = make_conv_row(args);
    for (std::ptrdiff_t group = 0; group < args.groups; ++group) {
        for (int panel = 0; panel < row.panels;) {
            const int panels = next_tile_panels(static_cast<int>(row.panels) - panel);
            const std::ptrdiff_t packed = group * row.panels + panel;
            compute_row({
                .row = row,
                .in_channel = group * row.in_group,
                .panels = panels,
                .channels = static_cast<int>(row.out_group) - panel * kPanel,
                .tile = {.runs = nullptr,
                         .run_count = 0,
                         .length = 0,
                         .pixel_step = row.pixel_step * kFloatBytes,
                         .weights = args.weights + packed * row.panel_size,
                         .next_weights = args.weights + (packed + panels - 1) * row.panel_size,
                         .bias = args.bias + packed * kPanel,
                         .output = args.output + group * row.out_group + panel * kPanel,
                         .output_step = args.output_stride * kFloatBytes,
                         .residual = nullptr,
                         .residual_step = 0,
                         .activation = static_cast<std::ptrdiff_t>(args.activation),
                         .offset = 0,
                         .tiles = 0},
            });
            panel += panels;
        }
    }
}

}  // namespace fovea::ops
