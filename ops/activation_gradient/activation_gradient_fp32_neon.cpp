// SPDX-License-Identifier: Apache-2.0
// activation_gradient_fp32_xsimd.h for NEON: 4 floats a register.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/activation_gradient/activation_gradient_fp32_xsimd.h"

namespace fovea::ops {

void activation_gradient_fp32_neon(const ActivationGradientFp32Args& args) {
    ActivationGradientKernel<xsimd::neon64>::run(args);
}

}  // namespace fovea::ops
