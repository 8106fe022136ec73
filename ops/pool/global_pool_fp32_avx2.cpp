// SPDX-License-Identifier: Apache-2.0
// global_pool_x86.h for AVX2: 8 floats a register.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/lanes_avx2.h"
#include "ops/pool/global_pool_x86.h"

namespace fovea::ops {

void global_pool_fp32_avx2(const GlobalPoolFp32Args& args) {
    GlobalPool<LanesAvx2>::run(args);
}

}  // namespace fovea::ops
