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

constexpr int kTileOutputs = 8;

// Register tiles of the depthwise convolution for the functions of depthwise_tile_neon.S: up to 8
// output columns, two registers of channels a tile, as depthwise_conv.h says. All steps are in
// bytes.
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
    std::ptrdiff_t blocks;      // of two registers of channels, at least 1
};
template <typename Element, class Tile = DepthwiseTile<Element>>
constexpr bool has_offsets_of_assembly = offsetof(Tile, rows) == 0 &&
                                         offsetof(Tile, column_step) == 16 &&
                                         offsetof(Tile, weight_step) == 32 &&
                                         offsetof(Tile, bias) == 40 &&
                                         offsetof(Tile, output) == 48 &&
                                         offsetof(Tile, mask) == 64 &&
                                         offsetof(Tile, outputs) == 72 &&
                                         offsetof(Tile, activation) == 80 &&
                                         offsetof(Tile, blocks) == 88;
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

void depthwise_3x3s1_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_3x3s2_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s1_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s2_all_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_3x3s1_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_3x3s2_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s1_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
void depthwise_5x5s2_masked_columns_neon_fp16(const DepthwiseTile<Half>*);
}

// The two versions of a tile.
template <typename Element>
struct DepthwiseTileFunctions {
    using Function = void (*)(const DepthwiseTile<Element>*);
    int kernel;
    int stride;
    Function all_columns;
    Function masked_columns;
};
template <typename Element>
constexpr DepthwiseTileFunctions<Element> kDepthwiseTiles[4] = {};
template <>
constexpr DepthwiseTileFunctions<float> kDepthwiseTiles<float>[4] = {
    {3, 1, depthwise_3x3s1_all_columns_neon, depthwise_3x3s1_masked_columns_neon},
    {3, 2, depthwise_3x3s2_all_columns_neon, depthwise_3x3s2_masked_columns_neon},
    {5, 1, depthwise_5x5s1_all_columns_neon, depthwise_5x5s1_masked_columns_neon},
    {5, 2, depthwise_5x5s2_all_columns_neon, depthwise_5x5s2_masked_columns_neon},
};
template <>
constexpr DepthwiseTileFunctions<Half> kDepthwiseTiles<Half>[4] = {
    {3, 1, depthwise_3x3s1_all_columns_neon_fp16, depthwise_3x3s1_masked_columns_neon_fp16},
    {3, 2, depthwise_3x3s2_all_columns_neon_fp16, depthwise_3x3s2_masked_columns_neon_fp16},
    {5, 1, depthwise_5x5s1_all_columns_neon_fp16, depthwise_5x5s1_masked_columns_neon_fp16},
    {5, 2, depthwise_5x5s2_all_columns_neon_fp16, depthwise_5x5s2_masked_columns_neon_fp16},
};

// The tile for a kernel, or null.
template <typename Element>
inline const DepthwiseTileFunctions<Element>* find_tile(const DepthwiseConvArgs<Element>& args) {
    if (args.dilation_x != 1 || args.kernel_height != args.kernel_width) return nullptr;
    for (const auto& tile : kDepthwiseTiles<Element>) {
        if (tile.kernel == args.kernel_width && tile.stride == args.stride_x) return &tile;
    }
    return nullptr;
}

template <typename Element>
inline std::ptrdiff_t padded_channels(const DepthwiseConvArgs<Element>& args) {
    return (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
}

// Output columns x .. x + outputs - 1, at most 8, of some blocks of channels from `channel` on.
template <typename Element>
inline void compute_tiles(const DepthwiseConvArgs<Element>& args,
                          const DepthwiseTileFunctions<Element>& tile, int x, int outputs,
                          std::ptrdiff_t channel, int blocks) {
    constexpr std::ptrdiff_t kBytes = sizeof(Element);
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(x) * tile.stride - args.pad_left;
    const std::ptrdiff_t columns =
        static_cast<std::ptrdiff_t>(outputs - 1) * tile.stride + tile.kernel;
    // Columns [begin, end) of the tile's windows lie in the row.
    std::ptrdiff_t begin = left < 0 ? -left : 0;
    std::ptrdiff_t end = args.input_width - left < columns ? args.input_width - left : columns;
    if (begin >= end) begin = end = 0;
    const std::ptrdiff_t first = begin == end ? 0 : (left + begin) * args.input_stride;
    const DepthwiseTile<Element> tiles = {
        .rows = args.rows,
        .first = (first + channel) * kBytes,
        .column_step = args.input_stride * kBytes,
        .weights = args.weights + channel,
        .weight_step = padded_channels(args) * kBytes,
        .bias = args.bias + channel,
        .output = args.output + x * args.output_stride + channel,
        .output_step = args.output_stride * kBytes,
        .mask = (std::uint64_t{1} << end) - (std::uint64_t{1} << begin),
        .outputs = outputs,
        .activation = static_cast<std::ptrdiff_t>(args.activation),
        .blocks = blocks,
    };
    if (outputs == kTileOutputs && begin == 0 && end == columns) {
        tile.all_columns(&tiles);
    } else {
        tile.masked_columns(&tiles);
    }
}

}  // namespace
}  // namespace fovea::ops
