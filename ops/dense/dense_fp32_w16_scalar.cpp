// SPDX-License-Identifier: Apache-2.0
// dense_scalar.h with weights of halves.
#include "ops/dense/dense_scalar.h"

namespace fovea::ops {

void dense_fp32_w16_scalar(const DenseFp32W16Args& args) {
    dense_scalar(args);
}

}  // namespace fovea::ops
