// SPDX-License-Identifier: Apache-2.0
// rows [kernel_height] of [input_width][in_channels], 8-bit; the rest as in conv2d_fp16_scalar.cpp.
//
//   output[x] = convolution of rows[a][column][i] * scale[i] + offset[i], of which each is a half
#include "ops/conv2d/conv2d_rescaled.h"

namespace fovea::ops {

void conv2d_u8_fp16_scalar(const Conv2dU8Fp16Args& args) {
    conv2d_rescaled(args, affine_u8_fp16_scalar, conv2d_fp16_scalar);
}

}  // namespace fovea::ops
