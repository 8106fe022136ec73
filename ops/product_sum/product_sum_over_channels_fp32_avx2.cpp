// SPDX-License-Identifier: Apache-2.0
// product_sum_fp32_xsimd.h for AVX2: 8 floats a register.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include "ops/product_sum/product_sum_fp32_xsimd.h"

namespace fovea::ops {

void product_sum_over_channels_fp32_avx2(const ProductSumOverChannelsArgs& args) {
    ProductSumKernel<xsimd::fma3<xsimd::avx2>>::over_channels(args);
}

}  // namespace fovea::ops
