// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <cstddef>
#include <cstdint>

#include "ops/activation.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/half.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// Register tiles of the depthwise convolution, as depthwise_conv.h says, for the functions of
// depthwise_tile_neon.S, up to 8 output columns by two registers of channels, and of
// depthwise_wide_*_neon.S, up to 4 by four. All steps are in bytes.
template <typename Element>
struct DepthwiseTile {
    const Element* const* rows;  // one for each kernel row; null is padding
    std::ptrdiff_t first;        // from each row to the tile's first column that is to be read
    std::ptrdiff_t column_step;  // from one input column to the next
    const Element* weights;
    std::ptrdiff_t weight_step;  // from one tap's to the next one's
    const Element* bias;
    Element* output;
    std::ptrdiff_t output_step;
    // For the masked functions:
    std::uint64_t mask;      // bit j: column j of the tile's windows is in the row; set bits adjoin
    std::ptrdiff_t outputs;  // how many are stored, 1 to 8
    std::ptrdiff_t activation;  // an Activation that is_fusable() accepts
    std::ptrdiff_t blocks;      // of a tile's channels, at least 1
    std::ptrdiff_t tiles;       // side by side, at least 1, for the functions of whole wide tiles
};
template <typename Element, class Tile = DepthwiseTile<Element>>
constexpr bool has_offsets_of_assembly =
    offsetof(Tile, rows) == 0 && offsetof(Tile, column_step) == 16 &&
    offsetof(Tile, weight_step) == 32 && offsetof(Tile, bias) == 40 &&
    offsetof(Tile, output) == 48 && offsetof(Tile, mask) == 64 && offsetof(Tile, outputs) == 72 &&
    offsetof(Tile, activation) == 80 && offsetof(Tile, blocks) == 88 && offsetof(Tile, tiles) == 96;
static_assert(has_offsets_of_assembly<float> && has_offsets_of_assembly<Half>);

extern "C" {
void depthwise_3x3s1_all_columns_neon(const DepthwiseTile<float>*);
void depthwise_3x3s2_all_columns_neon(const DepthwiseTile<float>*);
void depthwise_5x5s1_all_columns_neon(const DepthwiseTile<float>*);
void depthwise_5x5s2_all_columns_neon(const DepthwiseTile<float>*);
void depthwise_3x3s1_masked_columns_neon(const DepthwiseTile<float>*);
void depthwise_3x3s2_masked_columns_neon(const DepthwiseTile<float>*);
void depthwise_5x5s1_masked_columns_neon(const DepthwiseTile<float>*);
void depthwise_5x5s2_masked_columns_neon(const DepthwiseTile<float>*);
void depthwise_wide_3x3s1_whole_neon(const DepthwiseTile<float>*);
void depthwise_wide_3x3s2_whole_neon(const DepthwiseTile<float>*);
void depthwise_wide_5x5s1_whole_neon(const DepthwiseTile<float>*);
void depthwise_wide_5x5s2_whole_neon(const DepthwiseTile<float>*);
void depthwise_wide_3x3s1_masked_neon(const DepthwiseTile<float>*);
void depthwise_wide_3x3s2_masked_neon(const DepthwiseTile<float>*);
// Only with all of the middle columns, the first two and the last two apart:
void depthwise_wide_5x5s1_masked_neon(const DepthwiseTile<float>*);
void depthwise_wide_5x5s2_masked_neon(const DepthwiseTile<float>*);

void depthwise_3x3s1_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_3x3s2_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s1_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s2_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_3x3s1_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_3x3s2_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s1_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s2_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_wide_3x3s1_whole_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_wide_3x3s2_whole_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_wide_5x5s1_whole_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_wide_5x5s2_whole_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_wide_3x3s1_masked_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_wide_3x3s2_masked_neon_fp16(const DepthwiseTile<Half>*);
// Only with all of the middle columns, the first two and the last two apart:
void depthwise_wide_5x5s1_masked_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_wide_5x5s2_masked_neon_fp16(const DepthwiseTile<Half>*);
}

// The two versions of a tile: of whole windows, and of those columns that a mask names.
template <typename Element>
struct DepthwiseTileFunctions {
    using Function = void (*)(const DepthwiseTile<Element>*);
    int kernel;
    int stride;
    int outputs;
    int channels;
    int maskable;    // columns at either end of all windows that the masked version can do without
    Function whole;  // many tiles a call where they are wide, else one
    Function masked;

    bool is_wide() const { return outputs == 4; }
};
constexpr int kAnyColumn = 64;

// The wide ones first.
template <typename Element>
constexpr DepthwiseTileFunctions<Element> kDepthwiseTiles[8] = {};
template <>
constexpr DepthwiseTileFunctions<float> kDepthwiseTiles<float>[8] = {
    {3, 1, 4, 16, kAnyColumn, depthwise_wide_3x3s1_whole_neon, depthwise_wide_3x3s1_masked_neon},
    {3, 2, 4, 16, kAnyColumn, depthwise_wide_3x3s2_whole_neon, depthwise_wide_3x3s2_masked_neon},
    {5, 1, 4, 16, 2, depthwise_wide_5x5s1_whole_neon, depthwise_wide_5x5s1_masked_neon},
    {5, 2, 4, 16, 2, depthwise_wide_5x5s2_whole_neon, depthwise_wide_5x5s2_masked_neon},
    {3, 1, 8, 8, kAnyColumn, depthwise_3x3s1_all_columns_neon, depthwise_3x3s1_masked_columns_neon},
    {3, 2, 8, 8, kAnyColumn, depthwise_3x3s2_all_columns_neon, depthwise_3x3s2_masked_columns_neon},
    {5, 1, 8, 8, kAnyColumn, depthwise_5x5s1_all_columns_neon, depthwise_5x5s1_masked_columns_neon},
    {5, 2, 8, 8, kAnyColumn, depthwise_5x5s2_all_columns_neon, depthwise_5x5s2_masked_columns_neon},
};
template <>
constexpr DepthwiseTileFunctions<Half> kDepthwiseTiles<Half>[8] = {
    {3, 1, 4, 32, kAnyColumn, depthwise_wide_3x3s1_whole_neon_fp16,
     depthwise_wide_3x3s1_masked_neon_fp16},
    {3, 2, 4, 32, kAnyColumn, depthwise_wide_3x3s2_whole_neon_fp16,
     depthwise_wide_3x3s2_masked_neon_fp16},
    {5, 1, 4, 32, 2, depthwise_wide_5x5s1_whole_neon_fp16, depthwise_wide_5x5s1_masked_neon_fp16},
    {5, 2, 4, 32, 2, depthwise_wide_5x5s2_whole_neon_fp16, depthwise_wide_5x5s2_masked_neon_fp16},
    {3, 1, 8, 16, kAnyColumn, depthwise_3x3s1_all_columns_neon_fp16,
     depthwise_3x3s1_masked_columns_neon_fp16},
    {3, 2, 8, 16, kAnyColumn, depthwise_3x3s2_all_columns_neon_fp16,
     depthwise_3x3s2_masked_columns_neon_fp16},
    {5, 1, 8, 16, kAnyColumn, depthwise_5x5s1_all_columns_neon_fp16,
     depthwise_5x5s1_masked_columns_neon_fp16},
    {5, 2, 8, 16, kAnyColumn, depthwise_5x5s2_all_columns_neon_fp16,
     depthwise_5x5s2_masked_columns_neon_fp16},
};

template <typename Element>
inline bool suits(const DepthwiseTileFunctions<Element>& tile,
                  const DepthwiseConvArgs<Element>& args) {
    return tile.stride == args.stride_x && tile.kernel == args.kernel_width &&
           tile.kernel == args.kernel_height && args.dilation_x == 1;
}

// The tile that is not wide, which can do without any columns.
template <typename Element>
inline const DepthwiseTileFunctions<Element>& narrow_tile(const DepthwiseConvArgs<Element>& args) {
    const DepthwiseTileFunctions<Element>* tile = kDepthwiseTiles<Element>;
    while (!suits(*tile, args) || tile->is_wide()) ++tile;
    return *tile;
}

template <typename Element>
inline std::ptrdiff_t padded_channels(const DepthwiseConvArgs<Element>& args) {
    return (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
}

// A row's output columns in tiles, of some blocks of a tile's channels from `channel` on.
template <typename Element>
struct DepthwiseStrip {
    static constexpr std::ptrdiff_t kBytes = sizeof(Element);

    const DepthwiseConvArgs<Element>& args;
    const DepthwiseTileFunctions<Element>& tile;
    int channel;
    int blocks;

    // What tiles from x on are, the mask apart. The first of their columns that is read is `begin`
    // behind the window's left end.
    DepthwiseTile<Element> tiles_from(std::ptrdiff_t x, std::ptrdiff_t begin) const {
        const std::ptrdiff_t column = x * tile.stride - args.pad_left + begin;
        return {
            .rows = args.rows,
            .first = (column * args.input_stride + channel) * kBytes,
            .column_step = args.input_stride * kBytes,
            .weights = args.weights + channel,
            .weight_step = padded_channels(args) * kBytes,
            .bias = args.bias + channel,
            .output = args.output + x * args.output_stride + channel,
            .output_step = args.output_stride * kBytes,
            .mask = 0,
            .outputs = tile.outputs,
            .activation = static_cast<std::ptrdiff_t>(args.activation),
            .blocks = blocks,
            .tiles = 1,
        };
    }

    [[gnu::noinline]] void compute_whole_tiles(std::ptrdiff_t x, std::ptrdiff_t count) const {
        DepthwiseTile<Element> tiles = tiles_from(x, 0);
        if (tile.is_wide()) {
            tiles.tiles = count;
            tile.whole(&tiles);
            return;
        }
        for (; count > 0; --count) {
            tile.whole(&tiles);
            tiles.first += tile.outputs * tile.stride * tiles.column_step;
            tiles.output += tile.outputs * args.output_stride;
        }
    }

    // One tile, some of whose columns are in the padding or whose last outputs are not in the row.
    [[gnu::noinline]] void compute_masked_tile(std::ptrdiff_t x, std::ptrdiff_t outputs) const {
        const std::ptrdiff_t left = x * tile.stride - args.pad_left;
        const std::ptrdiff_t columns = (outputs - 1) * tile.stride + tile.kernel;
        // Columns [begin, end) of the tile's windows lie in the row.
        std::ptrdiff_t begin = left < 0 ? -left : 0;
        std::ptrdiff_t end = args.input_width - left < columns ? args.input_width - left : columns;
        if (begin >= end) begin = end = 0;
        if (tile.maskable != kAnyColumn &&
            (outputs < tile.outputs || begin > tile.maskable || columns - end > tile.maskable)) {
            const DepthwiseStrip narrow = {args, narrow_tile(args), channel, 2 * blocks};
            narrow.compute_masked_tile(x, outputs);
            return;
        }
        DepthwiseTile<Element> tiles = tiles_from(x, begin);
        if (begin == end) tiles.first = 0;
        tiles.mask = (std::uint64_t{1} << end) - (std::uint64_t{1} << begin);
        tiles.outputs = outputs;
        tile.masked(&tiles);
    }

    // How many tiles from x on, side by side, have all their outputs and windows in the row.
    std::ptrdiff_t whole_tiles(std::ptrdiff_t x) const {
        const std::ptrdiff_t left = x * tile.stride - args.pad_left;
        const std::ptrdiff_t columns =
            static_cast<std::ptrdiff_t>(tile.outputs - 1) * tile.stride + tile.kernel;
        const std::ptrdiff_t room = args.input_width - left - columns;
        if (left < 0 || room < 0) return 0;
        const std::ptrdiff_t by_input = room / (tile.outputs * tile.stride) + 1;
        const std::ptrdiff_t by_output = (args.output_width - x) / tile.outputs;
        return by_input < by_output ? by_input : by_output;
    }

    [[gnu::noinline]] void compute() const {
        const std::ptrdiff_t outputs = tile.outputs;
        for (std::ptrdiff_t x = 0; x < args.output_width;) {
            // Rather than a part of a tile, one that computes some outputs again.
            if (args.output_width - x < outputs && args.output_width >= outputs &&
                tile.maskable != kAnyColumn) {
                x = args.output_width - outputs;
            }
            const std::ptrdiff_t whole = whole_tiles(x);
            if (whole > 0) {
                compute_whole_tiles(x, whole);
                x += whole * outputs;
            } else {
                const std::ptrdiff_t left = args.output_width - x;
                compute_masked_tile(x, left < outputs ? left : outputs);
                x += outputs;
            }
        }
    }
};

}  // namespace
}  // namespace fovea::ops
