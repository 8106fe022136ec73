// SPDX-License-Identifier: Apache-2.0
// conv2d_scalar.h for floats.
#include "ops/conv2d/conv2d_scalar.h"

namespace fovea::ops {

void conv2d_fp32_scalar(const Conv2dFp32Args& args) {
    conv2d_scalar(args);
}

}  // namespace fovea::ops
