// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_DOTPROD)
#error "compile this file with -march=armv8.2-a+dotprod"
#endif

#include "ops/pointwise_conv/pointwise_conv_codes_neon.h"

namespace fovea::ops {

void pointwise_conv_s16s8_neon_dotprod(const PointwiseConvS16S8Args& args) {
    multiply_pixels(args, kPlaneDotTiles, kPlaneDotTiles);
}

}  // namespace fovea::ops
