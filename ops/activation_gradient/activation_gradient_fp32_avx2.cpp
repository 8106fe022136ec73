// SPDX-License-Identifier: Apache-2.0
// activation_gradient_fp32_xsimd.h for AVX2: 8 floats a register.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include "ops/activation_gradient/activation_gradient_fp32_xsimd.h"

namespace fovea::ops {

void activation_gradient_fp32_avx2(const ActivationGradientFp32Args& args) {
    ActivationGradientKernel<xsimd::fma3<xsimd::avx2>>::run(args);
}

}  // namespace fovea::ops
