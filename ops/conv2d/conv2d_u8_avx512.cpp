// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "compile this file with -mavx512f -mavx512vl -mavx512dq"
#endif

// Rescaling and convolution each have their own register tiles, which their files draw.
#include "ops/conv2d/conv2d_rescaled.h"

namespace fovea::ops {

void conv2d_u8_avx512(const Conv2dU8Args& args) {
    conv2d_rescaled(args, affine_u8_avx512, conv2d_fp32_avx512);
}

}  // namespace fovea::ops
