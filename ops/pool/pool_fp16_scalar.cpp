// SPDX-License-Identifier: Apache-2.0
// pool_scalar.h for halves.
#include "ops/pool/pool_scalar.h"

namespace fovea::ops {

void pool_fp16_scalar(const PoolFp16Args& args) {
    pool_scalar(args);
}

}  // namespace fovea::ops
