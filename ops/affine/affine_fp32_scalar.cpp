// SPDX-License-Identifier: Apache-2.0
// affine_scalar.h from floats to floats.
#include "ops/affine/affine_scalar.h"

namespace fovea::ops {

void affine_fp32_scalar(const AffineFp32Args& args) {
    affine_scalar(args);
}

}  // namespace fovea::ops
