// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <cstddef>

#include "ops/activation.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

constexpr int kStemPixels = 4;
constexpr int kStemChannels = 16;

// Register tiles of a 3 x 3 convolution of stride 2 on 3 channels that lie side by side, for the
// function of stem_tile_neon.S: 4 output pixels by 16 channels, one tile after another, windows
// inside the rows. conv2d.h says what is computed.
struct StemTile {
    const float* rows[3];  // the first pixel's window; null is padding
    const float* weights;  // of the first panel of 8 channels
    const float* next_weights;
    const float* bias;
    float* output;
    std::ptrdiff_t output_step;  // in bytes
    std::ptrdiff_t activation;   // an Activation that is_fusable() accepts
    std::ptrdiff_t tiles;        // at least 1
};
static_assert(offsetof(StemTile, rows) == 0 && offsetof(StemTile, weights) == 24 &&
              offsetof(StemTile, bias) == 40 && offsetof(StemTile, output) == 48 &&
              offsetof(StemTile, activation) == 64 && offsetof(StemTile, tiles) == 72);

extern "C" void stem_tile_neon(const StemTile*);

}  // namespace
}  // namespace fovea::ops
