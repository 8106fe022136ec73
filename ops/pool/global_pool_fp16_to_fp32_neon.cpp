// SPDX-License-Identifier: Apache-2.0
// global_pool_neon.h for halves.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/pool/global_pool_neon.h"

namespace fovea::ops {

void global_pool_fp16_to_fp32_neon(const GlobalPoolFp16ToFp32Args& args) {
    global_pool_neon(args);
}

}  // namespace fovea::ops
