// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512vnni -mavx512vl"
#endif

#include "ops/depthwise_conv/depthwise_conv_codes_avx512_vnni.h"

namespace fovea::ops {

void depthwise_conv_s16s8_avx512_vnni(const DepthwiseConvS16S8Args& args) {
    compute<std::int16_t>(args);
}

}  // namespace fovea::ops
