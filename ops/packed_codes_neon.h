// SPDX-License-Identifier: Apache-2.0
#pragma once

// Products of rows of codes (the inputs of a pixel, or of a window) with panels of weights. The inputs of some rows are put in the order
// in which tiles take them, for all panels of outputs. The instruction sets differ in their tiles: what is around these is the same code.
#include "ops/codes_tile_neon.h"

namespace fovea::ops {

// Puts the inputs of some rows, row_step bytes apart, where a tile takes them, the first at `to`. Groups that they do not fill are
// filled with zeros, or, if they are padded, with what lies behind them up to a multiple of 16.
using PackFunction = void (*)(const void* from, std::ptrdiff_t row_step, int rows, int inputs, bool is_padded, std::uint8_t* to);

// What multiplies the inputs of some rows by a panel, and how it takes them.
struct CodeTileKind {
    TileFunction multiply;
    PackFunction pack;
    void (*take_weights)(const std::int8_t* panel, int quads, void* to);  // null where the panel is taken as it is
    int rows, row_bytes;     // 8 or 4, so far apart in a block
    int block, block_bytes;  // inputs
    int packed_bytes;        // so many at once, which fit the nearest cache of the CPUs that run it
    bool is_signed;          // bytes are less 128: the bias has 128 times the weights more
    bool is_words;           // inputs have 16 bits
};
extern const CodeTileKind kPairTiles, kWordTiles;                       // NEON: of bytes, of 16 bits
extern const CodeTileKind kDotTiles, kSmallDotTiles, kPlaneDotTiles;    // with dot products: of bytes, 4 rows of them, of 16 bits
extern const CodeTileKind kMatrixTiles, kSmallMatrixTiles, kPlaneMatrixTiles;  // with products of matrices: the same

// Rows of inputs. pack() has a kind put the inputs `first` to first + inputs of some rows where a tile takes them.
struct CodeRows {
    int count;  // of inputs of a row
    void (*pack)(CodeRows& self, const CodeTileKind& kind, std::size_t row, int rows, int first, int inputs, std::uint8_t* to);
};

// output[r][o] = the code of bias[o] + sum_i input[r][i] * weight[i][o].
struct CodeProduct {
    const std::int8_t* weights;  // [panel][quads][8][4], from the first panel on
    std::ptrdiff_t panel_bytes;
    const std::int32_t* bias;
    int quads;                   // of inputs, the last filled up with weights of 0
    std::size_t rows;
    int first_panel, panels;     // of 8 outputs, those that are made
    int out_channels;
    CodeOutput output;
    const Requantisation& requantisation;
};

// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// All outputs of a convolution's rows.
template <typename Args>
CodeProduct product_of(const Args& args, int quads, std::size_t rows) {
    return {.weights = args.weights,
            .panel_bytes = std::ptrdiff_t{quads} * 32,
            .bias = args.bias,
            .quads = quads,
            .rows = rows,
            .first_panel = 0,
            .panels = (args.out_channels + 7) / 8,
            .out_channels = args.out_channels,
            .output = args.output,
            .requantisation = args.requantisation};
}

}  // namespace

inline constexpr int kMostPackedInputs = 1024;  // of a row, that are packed at once

// The last rows, which fill no tile, go by another kind, if there are few enough. Both take the same blocks and weights.
void multiply_codes(const CodeProduct& product, CodeRows& rows, const CodeTileKind& tiles, const CodeTileKind& last_tiles);

}  // namespace fovea::ops
