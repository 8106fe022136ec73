// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

#include "ops/pointwise_conv/pointwise_conv_codes_avx2.h"

namespace fovea::ops {

void pointwise_conv_u8s8_avx2(const PointwiseConvU8S8Args& args) {
    compute<std::uint8_t>(args);
}

}  // namespace fovea::ops
