// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_MATMUL_INT8)
#error "compile this file with -march=armv8.2-a+i8mm"
#endif

#include "ops/conv2d/conv2d_codes_neon.h"

namespace fovea::ops {

void conv2d_s16s8_neon_i8mm(const Conv2dS16S8Args& args) {
    multiply_windows(args, kPlaneMatrixTiles, kPlaneMatrixTiles);
}

}  // namespace fovea::ops
