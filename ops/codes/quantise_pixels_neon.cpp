// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/codes_neon.h"
#include "ops/codes/code_maps_lanes.h"

namespace fovea::ops {

void quantise_pixels_neon(const QuantisePixelsArgs& args) {
    quantise_pixels<CodeLanesNeon>(args);
}

}  // namespace fovea::ops
