// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_DOTPROD)
#error "compile this file with -march=armv8.2-a+dotprod"
#endif

#include "ops/conv2d/conv2d_codes_neon.h"

namespace fovea::ops {

void conv2d_u8s8_neon_dotprod(const Conv2dU8S8Args& args) {
    multiply_windows(args, kDotTiles, kSmallDotTiles);
}

}  // namespace fovea::ops
