// SPDX-License-Identifier: Apache-2.0
// product_sum_fp32_xsimd.h for NEON: 4 floats a register.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/product_sum/product_sum_fp32_xsimd.h"

namespace fovea::ops {

void product_sum_over_pixels_fp32_neon(const ProductSumOverPixelsArgs& args) {
    ProductSumKernel<xsimd::neon64>::over_pixels(args);
}

}  // namespace fovea::ops
