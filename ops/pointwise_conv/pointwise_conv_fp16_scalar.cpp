// SPDX-License-Identifier: Apache-2.0
// pointwise_conv_scalar.h for halves.
#include "ops/pointwise_conv/pointwise_conv_scalar.h"

namespace fovea::ops {

void pointwise_conv_fp16_scalar(const PointwiseConvFp16Args& args) {
    pointwise_conv_scalar(args);
}

}  // namespace fovea::ops
