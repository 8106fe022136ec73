// SPDX-License-Identifier: Apache-2.0
#include "ops/lrn/lrn.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<LrnFp32Function> kVariants[] = {
    FOVEA_ROW_AVX2(lrn_fp32_avx2)
    FOVEA_ROW_NEON(lrn_fp32_neon)
    FOVEA_ROW_SCALAR(lrn_fp32_scalar)
};

}  // namespace

constinit const KernelTable<LrnFp32Function> kLrnFp32 = make_table("lrn_fp32", kVariants);

}  // namespace fovea::ops
