// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

#include "ops/depthwise_conv/depthwise_conv_codes_avx2.h"

namespace fovea::ops {

void depthwise_conv_s16s8_avx2(const DepthwiseConvS16S8Args& args) {
    compute(args);
}

}  // namespace fovea::ops
