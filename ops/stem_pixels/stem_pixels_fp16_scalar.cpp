// SPDX-License-Identifier: Apache-2.0
// rows [kernel_height] of [input_width][in_channels], 8-bit; the rest as in conv2d_fp16_scalar.cpp.
//
//   output[x] = convolution of rows[a][column][i] * scale[i] + offset[i], of which each is a half
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea::ops {

void stem_pixels_fp16_scalar(const StemPixelsFp16Args& args) {
    stem_pixels_in_parts(args, affine_pixels_fp16_scalar, conv2d_fp16_scalar);
}

}  // namespace fovea::ops
