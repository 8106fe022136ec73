// SPDX-License-Identifier: Apache-2.0
// affine_scalar.h from floats to halves.
#include "ops/affine/affine_scalar.h"

namespace fovea::ops {

void affine_fp32_to_fp16_scalar(const AffineFp32ToFp16Args& args) {
    affine_scalar(args);
}

}  // namespace fovea::ops
