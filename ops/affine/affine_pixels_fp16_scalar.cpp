// SPDX-License-Identifier: Apache-2.0
// affine_scalar.h from 8-bit integers to halves.
#include "ops/affine/affine_scalar.h"

namespace fovea::ops {

void affine_pixels_fp16_scalar(const AffinePixelsFp16Args& args) {
    affine_scalar(args);
}

}  // namespace fovea::ops
