// SPDX-License-Identifier: Apache-2.0
#include "ops/dense/dense.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DenseFp32Function> kFp32Variants[] = {
    FOVEA_ROW_AVX2(dense_fp32_avx2)
    FOVEA_ROW_NEON(dense_fp32_neon)
    FOVEA_ROW_SCALAR(dense_fp32_scalar)
};

constexpr KernelVariant<DenseFp32W16Function> kFp16Variants[] = {
    FOVEA_ROW_AVX2(dense_fp32_w16_avx2)
    FOVEA_ROW_NEON(dense_fp32_w16_neon)
    FOVEA_ROW_SCALAR(dense_fp32_w16_scalar)
};

}  // namespace

constinit const KernelTable<DenseFp32Function> kDenseFp32 = make_table("dense_fp32", kFp32Variants);

constinit const KernelTable<DenseFp32W16Function> kDenseFp32W16 = make_table("dense_fp32_w16", kFp16Variants);

}  // namespace fovea::ops
