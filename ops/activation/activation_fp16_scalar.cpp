// SPDX-License-Identifier: Apache-2.0
// input  [count]
// output [count]
//
//   output[k] = activation(input[k]), rounded to a half
#include "ops/activation/activation_fp16_parts.h"

namespace fovea::ops {

void activation_fp16_scalar(const ActivationFp16Args& args) {
    activation_in_parts(args, widen_fp16_scalar, activation_fp32_scalar, narrow_fp16_scalar);
}

}  // namespace fovea::ops
