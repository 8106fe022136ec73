// SPDX-License-Identifier: Apache-2.0
// depthwise_conv_scalar.h for halves.
#include "ops/depthwise_conv/depthwise_conv_scalar.h"

namespace fovea::ops {

void depthwise_conv_fp16_scalar(const DepthwiseConvFp16Args& args) {
    depthwise_conv_scalar(args);
}

}  // namespace fovea::ops
