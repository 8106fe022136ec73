// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

#include "ops/conv2d/conv2d_codes_avx2.h"

namespace fovea::ops {

void conv2d_s16s8_avx2(const Conv2dS16S8Args& args) {
    compute(args);
}

}  // namespace fovea::ops
