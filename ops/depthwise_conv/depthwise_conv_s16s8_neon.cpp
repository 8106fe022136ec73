// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/depthwise_conv/depthwise_conv_codes_neon.h"

namespace fovea::ops {

void depthwise_conv_s16s8_neon(const DepthwiseConvS16S8Args& args) {
    compute_words(args);
}

}  // namespace fovea::ops
