// SPDX-License-Identifier: Apache-2.0
// lrn_fp32_xsimd.h for NEON: 4 floats a register.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/lrn/lrn_fp32_xsimd.h"

namespace fovea::ops {

void lrn_fp32_neon(const LrnFp32Args& args) {
    LrnKernel<xsimd::neon64>::run(args);
}

}  // namespace fovea::ops
