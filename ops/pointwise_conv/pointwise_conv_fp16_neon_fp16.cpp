// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

// Register tile: 8 pixels x 16 channels, as panel_tile_neon.S draws it.
#include "ops/pointwise_conv/pointwise_conv_panels_neon.h"

namespace fovea::ops {

void pointwise_conv_fp16_neon_fp16(const PointwiseConvFp16Args& args) {
    PointwisePanels<Half, kHalfBlock>::run(args);
}

}  // namespace fovea::ops
