// SPDX-License-Identifier: Apache-2.0
// global_pool_x86.h for AVX-512: 16 floats a register.
#if !defined(__AVX512F__)
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "ops/lanes_avx512.h"
#include "ops/pool/global_pool_x86.h"

namespace fovea::ops {

void global_pool_fp32_avx512(const GlobalPoolFp32Args& args) {
    GlobalPool<LanesAvx512>::run(args);
}

}  // namespace fovea::ops
