// SPDX-License-Identifier: Apache-2.0
// pointwise_conv_codes_scalar.h with codes of 16 bits.
#include "ops/pointwise_conv/pointwise_conv_codes_scalar.h"

namespace fovea::ops {

void pointwise_conv_s16s8_scalar(const PointwiseConvS16S8Args& args) {
    pointwise_conv_codes(args);
}

}  // namespace fovea::ops
