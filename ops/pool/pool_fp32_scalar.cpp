// SPDX-License-Identifier: Apache-2.0
// pool_scalar.h for floats.
#include "ops/pool/pool_scalar.h"

namespace fovea::ops {

void pool_fp32_scalar(const PoolFp32Args& args) {
    pool_scalar(args);
}

}  // namespace fovea::ops
