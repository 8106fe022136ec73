// SPDX-License-Identifier: Apache-2.0
// activation_fp32_xsimd.h for NEON: 4 floats a register.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/activation/activation_fp32_xsimd.h"

namespace fovea::ops {

void activation_fp32_neon(const ActivationFp32Args& args) {
    ActivationKernel<xsimd::neon64>::run(args);
}

}  // namespace fovea::ops
