// SPDX-License-Identifier: Apache-2.0
// binary_fp32_xsimd.h for NEON: 4 floats a register.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/binary/binary_fp32_xsimd.h"

namespace fovea::ops {

void binary_fp32_neon(const BinaryFp32Args& args) {
    BinaryKernel<xsimd::neon64>::run(args);
}

}  // namespace fovea::ops
