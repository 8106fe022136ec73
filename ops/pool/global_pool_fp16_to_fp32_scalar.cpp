// SPDX-License-Identifier: Apache-2.0
// global_pool_scalar.h for halves.
#include "ops/pool/global_pool_scalar.h"

namespace fovea::ops {

void global_pool_fp16_to_fp32_scalar(const GlobalPoolFp16ToFp32Args& args) {
    global_pool_scalar(args);
}

}  // namespace fovea::ops
