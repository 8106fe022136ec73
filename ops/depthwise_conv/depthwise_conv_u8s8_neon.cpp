// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/depthwise_conv/depthwise_conv_codes_neon.h"

namespace fovea::ops {

void depthwise_conv_u8s8_neon(const DepthwiseConvU8S8Args& args) {
    compute_words(args);
}

}  // namespace fovea::ops
