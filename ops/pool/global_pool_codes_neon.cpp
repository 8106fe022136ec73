// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/codes_neon.h"
#include "ops/pool/global_pool_codes_lanes.h"

namespace fovea::ops {

void global_pool_codes_neon(const GlobalPoolCodesArgs& args) {
    global_pool_codes<CodeLanesNeon>(args);
}

}  // namespace fovea::ops
