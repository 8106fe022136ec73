// SPDX-License-Identifier: Apache-2.0
// lrn_fp32_xsimd.h for AVX2: 8 floats a register.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include "ops/lrn/lrn_fp32_xsimd.h"

namespace fovea::ops {

void lrn_fp32_avx2(const LrnFp32Args& args) {
    LrnKernel<xsimd::fma3<xsimd::avx2>>::run(args);
}

}  // namespace fovea::ops
