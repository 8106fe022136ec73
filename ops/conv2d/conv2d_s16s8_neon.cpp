// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/conv2d/conv2d_codes_neon.h"

namespace fovea::ops {

void conv2d_s16s8_neon(const Conv2dS16S8Args& args) {
    multiply_windows(args, kWordTiles, kWordTiles);
}

}  // namespace fovea::ops
