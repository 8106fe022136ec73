// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Register tile: 4 pixels x 16 channels, as panel_tile_neon.S draws it.
#include "ops/pointwise_conv/pointwise_conv_panels_neon.h"

namespace fovea::ops {

void pointwise_conv_fp32_neon(const PointwiseConvFp32Args& args) {
    PointwisePanels<float, kAllTerms>::run(args);
}

}  // namespace fovea::ops
