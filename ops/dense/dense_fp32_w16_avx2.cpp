// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile with -mavx2 -mfma -mf16c"
#endif

// dense_avx2.h with weights of halves.
#include "ops/dense/dense_avx2.h"

namespace fovea::ops {

void dense_fp32_w16_avx2(const DenseFp32W16Args& args) {
    dense_avx2(args);
}

}  // namespace fovea::ops
