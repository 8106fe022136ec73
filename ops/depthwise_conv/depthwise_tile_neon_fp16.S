// SPDX-License-Identifier: Apache-2.0
// depthwise_tile_neon.h's tiles of halves: 8 output columns x 16 channels.

#define HALVES
#include "ops/depthwise_conv/depthwise_tile_neon.S"
