// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/conv2d/conv2d_rescaled.h"

namespace fovea::ops {

void conv2d_u8_fp16_neon_fp16(const Conv2dU8Fp16Args& args) {
    conv2d_rescaled(args, affine_u8_fp16_neon, conv2d_fp16_neon_fp16);
}

}  // namespace fovea::ops
