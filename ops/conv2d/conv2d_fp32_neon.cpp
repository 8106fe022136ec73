// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Register tile: 4 output pixels x 16 channels, as panel_tile_neon.S draws it. The stem of stride 2
// has tiles of its own, which stem_tile_neon.S draws.
#include "ops/conv2d/conv2d_panels_neon.h"
#include "ops/conv2d/stem_tile_neon.h"

namespace fovea::ops {
namespace {

constexpr std::ptrdiff_t kMaxRuns = 32;  // a kernel with more of them goes in parts, pixel by pixel

struct Columns : ConvPanels<float, Columns> {
    std::ptrdiff_t pixels_at_once(std::ptrdiff_t left, bool by_rows) const {
        return run_count(by_rows) > kMaxRuns ? 1 : left;
    }

    // Output columns x .. x + pixels - 1. By rows: only where the windows lie inside the row.
    [[gnu::noinline]] void sum(std::ptrdiff_t x, std::ptrdiff_t pixels, bool by_rows) const {
        const std::ptrdiff_t count = run_count(by_rows);
        const float* runs[kMaxRuns];
        float sums[kMaxTilePanels * kPanel];
        PanelTile<float> next = tile;
        next.runs = runs;
        next.length = run_length(by_rows);
        next.output += x * row.args.output_stride;
        for (std::ptrdiff_t first = 0; first < count; first += kMaxRuns) {
            const bool last = count - first <= kMaxRuns;
            next.run_count = last ? count - first : kMaxRuns;
            for (std::ptrdiff_t i = 0; i < next.run_count; ++i) {
                runs[i] = run_input(x, first + i, by_rows);
            }
            if (last) {
                compute_pixels(next, pixels, panels, channels);
            } else {  // one pixel, whose sums so far take the bias's place
                PanelTile<float> part = next;
                part.output = sums;
                part.tiles = 1;
                part.activation = static_cast<std::ptrdiff_t>(Activation::kNone);
                compute_whole_panels(part, 1, panels);
                next.bias = sums;
                next.weights += kMaxRuns * next.length * kPanel;
                next.next_weights += kMaxRuns * next.length * kPanel;
            }
        }
    }

    bool is_stem() const {
        return row.runs == 1 && row.in_group == 3 && row.args.kernel_width == 3 &&
               row.args.kernel_height == 3 && row.args.stride_x == 2 && channels >= kStemChannels &&
               panels * kPanel == kStemChannels;
    }

    // As many tiles of a stem as there are from output column x on.
    std::ptrdiff_t special_tiles(std::ptrdiff_t x) const {
        const std::ptrdiff_t tiles = is_stem() ? (row.inside_end - x) / kStemPixels : 0;
        if (tiles <= 0) return x;
        const StemTile stem = {
            .rows = {run_input(x, 0, true), run_input(x, 1, true), run_input(x, 2, true)},
            .weights = tile.weights,
            .next_weights = tile.next_weights,
            .bias = tile.bias,
            .output = tile.output + x * row.args.output_stride,
            .output_step = tile.output_step,
            .activation = tile.activation,
            .tiles = tiles,
        };
        stem_tile_neon(&stem);
        return x + tiles * kStemPixels;
    }
};

}  // namespace

void conv2d_fp32_neon(const Conv2dFp32Args& args) {
    Columns::run(args);
}

}  // namespace fovea::ops
