// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// dense_neon.h with weights of halves.
#include "ops/dense/dense_neon.h"

namespace fovea::ops {

void dense_fp32_w16_neon(const DenseFp32W16Args& args) {
    dense_neon(args);
}

}  // namespace fovea::ops
