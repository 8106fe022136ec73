// SPDX-License-Identifier: Apache-2.0
#pragma once

// The 1x1 convolution of codes is a product of its pixels.
#include "ops/packed_codes_neon.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {

void multiply_pixels(const PointwiseConvU8S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles);
void multiply_pixels(const PointwiseConvS16S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles);

}  // namespace fovea::ops
