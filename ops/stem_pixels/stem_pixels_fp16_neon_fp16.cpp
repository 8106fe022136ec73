// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea::ops {

void stem_pixels_fp16_neon_fp16(const StemPixelsFp16Args& args) {
    stem_pixels_in_parts(args, affine_pixels_fp16_neon, conv2d_fp16_neon_fp16);
}

}  // namespace fovea::ops
