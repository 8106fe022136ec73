// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512vnni -mavx512vl"
#endif

#include "ops/depthwise_conv/depthwise_conv_codes_avx512_vnni.h"

namespace fovea::ops {

void depthwise_conv_u8s8_avx512_vnni(const DepthwiseConvU8S8Args& args) {
    compute<std::uint8_t>(args);
}

}  // namespace fovea::ops
