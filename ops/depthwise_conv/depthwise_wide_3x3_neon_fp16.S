// SPDX-License-Identifier: Apache-2.0
// depthwise_tile_neon.h's tiles of halves: 4 output columns x 32 channels, 3 x 3 kernels.

#define HALVES
#include "ops/depthwise_conv/depthwise_wide_3x3_neon.S"
