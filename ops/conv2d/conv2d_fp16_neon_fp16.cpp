// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

// Register tile: 8 output pixels x 16 channels, as panel_tile_neon.S draws it. Of many terms,
// kHalfBlock at the most are summed at once and added to what is in the output: as many runs as
// that is, or a part of one.
#include "ops/conv2d/conv2d_panels_neon.h"

namespace fovea::ops {
namespace {

constexpr Half kZeros[kMaxTilePanels * kPanel] = {};

struct Columns : ConvPanels<Half, Columns> {
    std::ptrdiff_t special_tiles(std::ptrdiff_t x) const { return x; }
    std::ptrdiff_t pixels_at_once(std::ptrdiff_t left, bool) const { return left; }

    // Output columns x .. x + pixels - 1. By rows: only where the windows lie inside the row.
    void sum(std::ptrdiff_t x, std::ptrdiff_t pixels, bool by_rows) const {
        const std::ptrdiff_t count = run_count(by_rows);
        const std::ptrdiff_t length = run_length(by_rows);
        const std::ptrdiff_t at_once = length < kHalfBlock ? kHalfBlock / length : 1;
        for (std::ptrdiff_t run = 0; run < count; run += at_once) {
            for (std::ptrdiff_t term = 0; term < length; term += kHalfBlock) {
                add_block(x, pixels, by_rows, run, run + at_once < count ? run + at_once : count,
                          term, term + kHalfBlock < length ? term + kHalfBlock : length);
            }
        }
    }

  private:
    // Terms [term, end) of the runs [run, last).
    [[gnu::noinline]] void add_block(std::ptrdiff_t x, std::ptrdiff_t pixels, bool by_rows,
                                     std::ptrdiff_t run, std::ptrdiff_t last, std::ptrdiff_t term,
                                     std::ptrdiff_t end) const {
        const std::ptrdiff_t length = run_length(by_rows);
        const Half* runs[kHalfBlock];
        for (std::ptrdiff_t i = run; i < last; ++i) {
            const Half* const input = run_input(x, i, by_rows);
            runs[i - run] = input == nullptr ? nullptr : input + term;
        }
        PanelTile<Half> block = tile;
        block.runs = runs;
        block.run_count = last - run;
        block.length = end - term;
        block.weights += (run * length + term) * kPanel;
        block.next_weights += (run * length + term) * kPanel;
        block.output += x * row.args.output_stride;
        if (run + term > 0) {
            block.bias = kZeros;
            block.residual = block.output;
            block.residual_step = block.output_step;
        }
        if (last < run_count(by_rows) || end < length) {
            block.activation = static_cast<std::ptrdiff_t>(Activation::kNone);
        }
        compute_pixels(block, pixels, panels, channels);
    }
};

}  // namespace

void conv2d_fp16_neon_fp16(const Conv2dFp16Args& args) {
    Columns::run(args);
}

}  // namespace fovea::ops
