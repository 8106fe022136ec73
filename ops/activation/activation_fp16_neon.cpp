// SPDX-License-Identifier: Apache-2.0
// input  [count]
// output [count]
//
//   output[k] = activation(input[k]), rounded to a half
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/activation/activation_fp16_parts.h"

namespace fovea::ops {

void activation_fp16_neon(const ActivationFp16Args& args) {
    activation_in_parts(args, widen_fp16_neon, activation_fp32_neon, narrow_fp16_neon);
}

}  // namespace fovea::ops
