// SPDX-License-Identifier: Apache-2.0
// affine_scalar.h from 8-bit integers to floats.
#include "ops/affine/affine_scalar.h"

namespace fovea::ops {

void affine_u8_scalar(const AffineU8Args& args) {
    affine_scalar(args);
}

}  // namespace fovea::ops
