// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea::ops {

void stem_pixels_fp32_neon(const StemPixelsFp32Args& args) {
    stem_pixels_in_parts(args, affine_pixels_fp32_neon, conv2d_fp32_neon);
}

}  // namespace fovea::ops
