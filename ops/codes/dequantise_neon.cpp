// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/codes_neon.h"
#include "ops/codes/code_maps_lanes.h"

namespace fovea::ops {

void dequantise_neon(const DequantiseArgs& args) {
    dequantise<CodeLanesNeon>(args);
}

}  // namespace fovea::ops
