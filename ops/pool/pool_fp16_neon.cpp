// SPDX-License-Identifier: Apache-2.0
// pool_neon.h for halves.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/pool/pool_neon.h"

namespace fovea::ops {

void pool_fp16_neon(const PoolFp16Args& args) {
    pool_neon(args);
}

}  // namespace fovea::ops
