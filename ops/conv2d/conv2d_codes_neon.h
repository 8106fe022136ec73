// SPDX-License-Identifier: Apache-2.0
#pragma once

// The convolution of codes is a product of its windows: the inputs of an output column's window lie beside each other, tap by tap. Where
// the inputs of a tap fill no group of 4, and the window is small, they do so without gaps, and the weights are put in that order.
//
// The window of a first layer, 3 rows of 3 taps x 3 channels that lie beside each other, has an order of its own, which is quick to
// load: 8 inputs of each row, then the last of each.
#include "ops/conv2d/conv2d_codes.h"
#include "ops/packed_codes_neon.h"

namespace fovea::ops {

void multiply_windows(const Conv2dU8S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles);
void multiply_windows(const Conv2dS16S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles);

}  // namespace fovea::ops
