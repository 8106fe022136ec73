// SPDX-License-Identifier: Apache-2.0
// rows    kernel_height x [input_width][in_channels] of bytes, null where the row is padding
// scale, offset [in_channels]; weights, bias, output as in conv2d_fp32_scalar.cpp
//   conv2d_fp32_scalar of rows[a][column][i] * scale[i] + offset[i], rounded after the product and
//   the sum
#include "ops/conv2d/conv2d_rescaled.h"

namespace fovea::ops {

void conv2d_u8_scalar(const Conv2dU8Args& args) {
    conv2d_rescaled(args, affine_u8_scalar, conv2d_fp32_scalar);
}

}  // namespace fovea::ops
