// SPDX-License-Identifier: Apache-2.0
// global_pool_scalar.h for halves.
#include "ops/pool/global_pool_scalar.h"

namespace fovea::ops {

void global_pool_fp16_scalar(const GlobalPoolFp16Args& args) {
    global_pool_scalar(args);
}

}  // namespace fovea::ops
