// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include "ops/codes/code_maps_avx512.h"

namespace fovea::ops {

void gate_codes_avx512(const GateCodesArgs& args) {
    gate_maps(args);
}

}  // namespace fovea::ops
