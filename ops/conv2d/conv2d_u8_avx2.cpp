// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/conv2d/conv2d_rescaled.h"

namespace fovea::ops {

void conv2d_u8_avx2(const Conv2dU8Args& args) {
    conv2d_rescaled(args, affine_u8_avx2, conv2d_fp32_avx2);
}

}  // namespace fovea::ops
