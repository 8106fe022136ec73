// SPDX-License-Identifier: Apache-2.0
// depthwise_conv_scalar.h for floats.
#include "ops/depthwise_conv/depthwise_conv_scalar.h"

namespace fovea::ops {

void depthwise_conv_fp32_scalar(const DepthwiseConvFp32Args& args) {
    depthwise_conv_scalar(args);
}

}  // namespace fovea::ops
