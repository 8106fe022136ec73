// SPDX-License-Identifier: Apache-2.0
#include "ops/dense/dense_fp32_w8.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DenseFp32W8Function> kVariants[] = {
    FOVEA_ROW_AVX2(dense_fp32_w8_avx2)
    FOVEA_ROW_NEON(dense_fp32_w8_neon)
    FOVEA_ROW_SCALAR(dense_fp32_w8_scalar)
};

}  // namespace

constinit const KernelTable<DenseFp32W8Function> kDenseFp32W8 = make_table("dense_fp32_w8", kVariants);

}  // namespace fovea::ops
