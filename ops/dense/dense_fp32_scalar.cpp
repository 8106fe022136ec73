// SPDX-License-Identifier: Apache-2.0
// dense_scalar.h with weights of floats.
#include "ops/dense/dense_scalar.h"

namespace fovea::ops {

void dense_fp32_scalar(const DenseFp32Args& args) {
    dense_scalar(args);
}

}  // namespace fovea::ops
