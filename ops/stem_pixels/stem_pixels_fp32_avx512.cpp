// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "compile this file with -mavx512f -mavx512vl -mavx512dq"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea::ops {

void stem_pixels_fp32_avx512(const StemPixelsFp32Args& args) {
    stem_pixels_in_parts(args, affine_pixels_fp32_avx512, conv2d_fp32_avx512);
}

}  // namespace fovea::ops
