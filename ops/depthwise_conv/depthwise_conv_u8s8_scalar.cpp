// SPDX-License-Identifier: Apache-2.0
// depthwise_conv_codes_scalar.h with codes of 8 bits.
#include "ops/depthwise_conv/depthwise_conv_codes_scalar.h"

namespace fovea::ops {

void depthwise_conv_u8s8_scalar(const DepthwiseConvU8S8Args& args) {
    depthwise_conv_codes(args);
}

}  // namespace fovea::ops
