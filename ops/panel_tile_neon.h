// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <cstddef>

#include "ops/activation.h"
#include "ops/half.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

constexpr int kPanel = 8;  // output channels of a weight panel
constexpr int kMaxTilePanels = 2;

// Register tiles of the convolutions, each some pixels by some neighbouring weight panels, one
// after another along the pixels, for the functions of panel_tile_neon.S; of floats or of halves:
//
//   output[p][8 n + lane] = activation( bias[8 n + lane]
//       + sum_{r, i < length} runs[r][offset + p * pixel_step + i] * weights[n][r][i][lane]
//       (+ sums_so_far[p][8 n + lane]) (+ residual[p][8 n + lane]) )
//
// r, then i ascending, by fused multiply-adds; runs that are null add nothing. Offset and steps are
// in bytes. The functions leave offset, output and residual where the next tile goes on.
template <typename Element>
struct PanelTile {
    const Element* const* runs;
    std::ptrdiff_t run_count;  // at least 1
    std::ptrdiff_t length;     // of each run, at least 1
    std::ptrdiff_t pixel_step;
    const Element* weights;       // [run_count][length][8] of the first panel
    const Element* next_weights;  // those of the second, where there are two
    const Element* bias;
    Element* output;  // whole panels are written
    std::ptrdiff_t output_step;
    const Element* residual;  // or null; whole panels are read
    std::ptrdiff_t residual_step;
    std::ptrdiff_t activation;  // an Activation that is_fusable() accepts
    std::ptrdiff_t offset;      // of the first tile's first pixel in each run
    std::ptrdiff_t tiles;       // at least 1
    // Of halves only, for a sum in blocks, or null: what earlier blocks gave; whole panels are
    // read.
    const Element* sums_so_far;
    std::ptrdiff_t sums_step;
};
template <typename Element, class Tile = PanelTile<Element>>
constexpr bool has_offsets_of_assembly =
    offsetof(Tile, runs) == 0 && offsetof(Tile, length) == 16 && offsetof(Tile, weights) == 32 &&
    offsetof(Tile, bias) == 48 && offsetof(Tile, output) == 56 && offsetof(Tile, residual) == 72 &&
    offsetof(Tile, activation) == 88 && offsetof(Tile, offset) == 96 &&
    offsetof(Tile, tiles) == 104 && offsetof(Tile, sums_so_far) == 112;
static_assert(has_offsets_of_assembly<float> && has_offsets_of_assembly<Half>);
static_assert(static_cast<int>(Activation::kRelu) == 1 &&
              static_cast<int>(Activation::kRelu6) == 2 &&
              static_cast<int>(Activation::kHardSigmoid) == 3 &&
              static_cast<int>(Activation::kHardSwish) == 4);

extern "C" {
void panel_tile_1x1_neon(PanelTile<float>*);
void panel_tile_2x1_neon(PanelTile<float>*);
void panel_tile_3x1_neon(PanelTile<float>*);
void panel_tile_4x1_neon(PanelTile<float>*);
void panel_tile_1x2_neon(PanelTile<float>*);
void panel_tile_2x2_neon(PanelTile<float>*);
void panel_tile_3x2_neon(PanelTile<float>*);
void panel_tile_4x2_neon(PanelTile<float>*);
// For a single run, not null, of 16 or more channels, a multiple of 8:
void panel_tile_4x1_one_run_neon(PanelTile<float>*);
void panel_tile_4x2_one_run_neon(PanelTile<float>*);

void panel_tile_1x1_neon_fp16(PanelTile<Half>*);
void panel_tile_2x1_neon_fp16(PanelTile<Half>*);
void panel_tile_4x1_neon_fp16(PanelTile<Half>*);
void panel_tile_8x1_neon_fp16(PanelTile<Half>*);
void panel_tile_1x2_neon_fp16(PanelTile<Half>*);
void panel_tile_2x2_neon_fp16(PanelTile<Half>*);
void panel_tile_4x2_neon_fp16(PanelTile<Half>*);
void panel_tile_7x2_neon_fp16(PanelTile<Half>*);
void panel_tile_8x2_neon_fp16(PanelTile<Half>*);
void panel_tile_8x1_one_run_neon_fp16(PanelTile<Half>*);
void panel_tile_8x2_one_run_neon_fp16(PanelTile<Half>*);
}

// The functions for a type of element, by panels and pixels, one less than there are; those for one
// run are for the most pixels.
template <typename Element>
struct PanelTiles;
template <>
struct PanelTiles<float> {
    static constexpr int kMaxPixels = 4;
    static constexpr void (*kFunctions[kMaxTilePanels][kMaxPixels])(PanelTile<float>*) = {
        {panel_tile_1x1_neon, panel_tile_2x1_neon, panel_tile_3x1_neon, panel_tile_4x1_neon},
        {panel_tile_1x2_neon, panel_tile_2x2_neon, panel_tile_3x2_neon, panel_tile_4x2_neon},
    };
    static constexpr void (*kOneRun[kMaxTilePanels])(PanelTile<float>*) = {
        panel_tile_4x1_one_run_neon, panel_tile_4x2_one_run_neon};
};
template <>
struct PanelTiles<Half> {
    static constexpr int kMaxPixels = 8;
    static constexpr void (*kFunctions[kMaxTilePanels][kMaxPixels])(PanelTile<Half>*) = {
        // A layer's last panel goes alone at most, and does without some sizes; two panels do without
        // those that maps of 7, 14, 28 and 2^n columns hardly leave.
        {panel_tile_1x1_neon_fp16, panel_tile_2x1_neon_fp16, nullptr, panel_tile_4x1_neon_fp16,
         nullptr, nullptr, nullptr, panel_tile_8x1_neon_fp16},
        {panel_tile_1x2_neon_fp16, panel_tile_2x2_neon_fp16, nullptr, panel_tile_4x2_neon_fp16,
         nullptr, nullptr, panel_tile_7x2_neon_fp16, panel_tile_8x2_neon_fp16},
    };
    static constexpr void (*kOneRun[kMaxTilePanels])(PanelTile<Half>*) = {
        panel_tile_8x1_one_run_neon_fp16, panel_tile_8x2_one_run_neon_fp16};
};

// How many of the panels that are left the next tile takes.
inline int next_tile_panels(int left) {
    return left < kMaxTilePanels ? left : kMaxTilePanels;
}

// The next tiles' number of pixels, and how many tiles of that size there are before smaller ones.
struct TileSplit {
    std::ptrdiff_t pixels;
    std::ptrdiff_t tiles;
};

// As few tiles as possible of the pixels that are left, of much the same size: a small tile loads
// its weights for less work. Where there is no tile of that size, the largest first.
template <typename Element>
inline TileSplit next_tiles(std::ptrdiff_t left, int panels) {
    constexpr std::ptrdiff_t kMost = PanelTiles<Element>::kMaxPixels;
    if (left % kMost == 0) return {kMost, left / kMost};
    const std::ptrdiff_t tiles = (left + kMost - 1) / kMost;
    std::ptrdiff_t pixels = (left + tiles - 1) / tiles;
    if (PanelTiles<Element>::kFunctions[panels - 1][pixels - 1] != nullptr) {
        return {pixels, left - tiles * (pixels - 1)};
    }
    pixels = left < kMost ? left : kMost;
    while (PanelTiles<Element>::kFunctions[panels - 1][pixels - 1] == nullptr) --pixels;
    return {pixels, left / pixels};
}

template <typename Element>
inline void compute_whole_panels(PanelTile<Element>& tile, std::ptrdiff_t pixels, int panels) {
    using Tiles = PanelTiles<Element>;
    if (pixels == Tiles::kMaxPixels && tile.run_count == 1 && tile.length >= 16 &&
        tile.length % 8 == 0 && tile.runs[0] != nullptr) {
        Tiles::kOneRun[panels - 1](&tile);
    } else {
        Tiles::kFunctions[panels - 1][pixels - 1](&tile);
    }
}

// Writes the first `channels` channels of each pixel, the last panel's lanes past them not; the
// residual is read no further either.
template <typename Element>
[[gnu::noinline]] void compute_partial_panels(PanelTile<Element>& tile, std::ptrdiff_t pixels,
                                              int panels, int channels) {
    constexpr std::ptrdiff_t kBytes = sizeof(Element);
    Element output[PanelTiles<Element>::kMaxPixels][kMaxTilePanels * kPanel];
    Element residual[PanelTiles<Element>::kMaxPixels][kMaxTilePanels * kPanel] = {};
    for (std::ptrdiff_t left = tile.tiles; left > 0; --left) {
        PanelTile<Element> whole = tile;
        whole.tiles = 1;
        whole.output = output[0];
        whole.output_step = sizeof output[0];
        if (tile.residual != nullptr) {
            for (std::ptrdiff_t p = 0; p < pixels; ++p) {
                for (int c = 0; c < channels; ++c) residual[p][c] = tile.residual[c];
                tile.residual += tile.residual_step / kBytes;
            }
            whole.residual = residual[0];
            whole.residual_step = sizeof residual[0];
        }
        compute_whole_panels(whole, pixels, panels);
        for (std::ptrdiff_t p = 0; p < pixels; ++p) {
            for (int c = 0; c < channels; ++c) tile.output[c] = output[p][c];
            tile.output += tile.output_step / kBytes;
        }
        tile.offset = whole.offset;
        tile.sums_so_far = whole.sums_so_far;
    }
}

// All of `pixels` pixels from tile.offset on, of which the panels have `channels` channels left.
template <typename Element>
inline void compute_pixels(PanelTile<Element>& tile, std::ptrdiff_t pixels, int panels,
                           int channels) {
    while (pixels > 0) {
        const TileSplit split = next_tiles<Element>(pixels, panels);
        tile.tiles = split.tiles;
        if (channels >= panels * kPanel) {
            compute_whole_panels(tile, split.pixels, panels);
        } else {
            compute_partial_panels(tile, split.pixels, panels, channels);
        }
        pixels -= split.pixels * split.tiles;
    }
}

}  // namespace
}  // namespace fovea::ops
