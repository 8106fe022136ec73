// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/pointwise_conv/pointwise_conv_codes_neon.h"

namespace fovea::ops {

void pointwise_conv_u8s8_neon(const PointwiseConvU8S8Args& args) {
    multiply_pixels(args, kPairTiles, kPairTiles);
}

}  // namespace fovea::ops
