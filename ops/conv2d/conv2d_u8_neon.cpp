// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/conv2d/conv2d_rescaled.h"

namespace fovea::ops {

void conv2d_u8_neon(const Conv2dU8Args& args) {
    conv2d_rescaled(args, affine_u8_neon, conv2d_fp32_neon);
}

}  // namespace fovea::ops
