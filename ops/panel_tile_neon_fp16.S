// SPDX-License-Identifier: Apache-2.0
// panel_tile_neon.h's tiles of halves: up to 8 pixels x 2 weight panels of 8 channels.

#define HALVES
#include "ops/panel_tile_neon.S"
