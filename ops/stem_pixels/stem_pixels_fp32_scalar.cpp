// SPDX-License-Identifier: Apache-2.0
// rows    kernel_height x [input_width][in_channels] of bytes, null where the row is padding
// scale, offset [in_channels]; weights, bias, output as in conv2d_fp32_scalar.cpp
//   conv2d_fp32_scalar of rows[a][column][i] * scale[i] + offset[i], rounded after the product and
//   the sum
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea::ops {

void stem_pixels_fp32_scalar(const StemPixelsFp32Args& args) {
    stem_pixels_in_parts(args, affine_pixels_fp32_scalar, conv2d_fp32_scalar);
}

}  // namespace fovea::ops
