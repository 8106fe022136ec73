// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <cstddef>
#include <cstdint>

#include "ops/activation.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// Register tiles of the depthwise convolution, as depthwise_conv.h says, for the functions of
// depthwise_tile_neon.S, up to 8 output columns by 8 channels, and of depthwise_tile16_*_neon.S, up to 4 by
// 16. All steps are in bytes.
struct DepthwiseTile {
    const float* const* rows;    // one for each kernel row; null is padding
    std::ptrdiff_t first;        // from each row to the tile's first column that is to be read
    std::ptrdiff_t column_step;  // from one input column to the next
    const float* weights;
    std::ptrdiff_t weight_step;  // from one tap's to the next one's
    const float* bias;
    float* output;
    std::ptrdiff_t output_step;
    // For the masked functions:
    std::uint64_t mask;      // bit j: column j of the tile's windows is in the row; set bits adjoin
    std::ptrdiff_t outputs;  // how many are stored, 1 to 8
    std::ptrdiff_t activation;  // an Activation that is_fusable() accepts
    std::ptrdiff_t blocks;      // of a tile's channels, at least 1
    std::ptrdiff_t tiles;       // side by side, at least 1, for the functions of whole tiles
};
static_assert(offsetof(DepthwiseTile, rows) == 0 && offsetof(DepthwiseTile, column_step) == 16 &&
              offsetof(DepthwiseTile, weight_step) == 32 && offsetof(DepthwiseTile, bias) == 40 &&
              offsetof(DepthwiseTile, output) == 48 && offsetof(DepthwiseTile, mask) == 64 &&
              offsetof(DepthwiseTile, outputs) == 72 && offsetof(DepthwiseTile, activation) == 80 &&
              offsetof(DepthwiseTile, blocks) == 88 && offsetof(DepthwiseTile, tiles) == 96);

using DepthwiseTileFunction = void (*)(const DepthwiseTile*);
extern "C" {
void depthwise_3x3s1_all_columns_neon(const DepthwiseTile*);
void depthwise_3x3s2_all_columns_neon(const DepthwiseTile*);
void depthwise_5x5s1_all_columns_neon(const DepthwiseTile*);
void depthwise_5x5s2_all_columns_neon(const DepthwiseTile*);
void depthwise_3x3s1_masked_columns_neon(const DepthwiseTile*);
void depthwise_3x3s2_masked_columns_neon(const DepthwiseTile*);
void depthwise_5x5s1_masked_columns_neon(const DepthwiseTile*);
void depthwise_5x5s2_masked_columns_neon(const DepthwiseTile*);
void depthwise16_3x3s1_whole_neon(const DepthwiseTile*);
void depthwise16_3x3s2_whole_neon(const DepthwiseTile*);
void depthwise16_5x5s1_whole_neon(const DepthwiseTile*);
void depthwise16_5x5s2_whole_neon(const DepthwiseTile*);
void depthwise16_3x3s1_masked_neon(const DepthwiseTile*);
void depthwise16_3x3s2_masked_neon(const DepthwiseTile*);
// Only with all of the middle columns, the first two and the last two apart:
void depthwise16_5x5s1_masked_neon(const DepthwiseTile*);
void depthwise16_5x5s2_masked_neon(const DepthwiseTile*);
}

}  // namespace
}  // namespace fovea::ops
