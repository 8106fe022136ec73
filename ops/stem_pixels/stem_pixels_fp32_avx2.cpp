// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea::ops {

void stem_pixels_fp32_avx2(const StemPixelsFp32Args& args) {
    stem_pixels_in_parts(args, affine_pixels_fp32_avx2, conv2d_fp32_avx2);
}

}  // namespace fovea::ops
