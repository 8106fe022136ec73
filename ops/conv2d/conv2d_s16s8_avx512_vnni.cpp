// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512vnni -mavx512vl"
#endif

#include "ops/conv2d/conv2d_codes_avx512_vnni.h"

namespace fovea::ops {

void conv2d_s16s8_avx512_vnni(const Conv2dS16S8Args& args) {
    compute(args);
}

}  // namespace fovea::ops
