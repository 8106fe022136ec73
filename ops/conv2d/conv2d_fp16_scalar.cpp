// SPDX-License-Identifier: Apache-2.0
// conv2d_scalar.h for halves.
#include "ops/conv2d/conv2d_scalar.h"

namespace fovea::ops {

void conv2d_fp16_scalar(const Conv2dFp16Args& args) {
    conv2d_scalar(args);
}

}  // namespace fovea::ops
