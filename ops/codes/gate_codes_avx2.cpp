// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

#include "ops/codes_avx2.h"
#include "ops/codes/code_maps_lanes.h"

namespace fovea::ops {

void gate_codes_avx2(const GateCodesArgs& args) {
    gate_codes<CodeLanesAvx2>(args, 0, args.channels);
}

}  // namespace fovea::ops
