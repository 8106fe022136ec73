// SPDX-License-Identifier: Apache-2.0
// depthwise_conv_codes_scalar.h with codes of 16 bits.
#include "ops/depthwise_conv/depthwise_conv_codes_scalar.h"

namespace fovea::ops {

void depthwise_conv_s16s8_scalar(const DepthwiseConvS16S8Args& args) {
    depthwise_conv_codes(args);
}

}  // namespace fovea::ops
