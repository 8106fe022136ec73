// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_MATMUL_INT8)
#error "compile this file with -march=armv8.2-a+i8mm"
#endif

#include "ops/pointwise_conv/pointwise_conv_codes_neon.h"

namespace fovea::ops {

void pointwise_conv_s16s8_neon_i8mm(const PointwiseConvS16S8Args& args) {
    multiply_pixels(args, kPlaneMatrixTiles, kPlaneMatrixTiles);
}

}  // namespace fovea::ops
