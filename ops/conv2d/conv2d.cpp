// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<Conv2dFp32Function> kFp32Variants[] = {
    FOVEA_ROW_AVX512(conv2d_fp32_avx512)
    FOVEA_ROW_AVX2(conv2d_fp32_avx2)
    FOVEA_ROW_NEON(conv2d_fp32_neon)
    FOVEA_ROW_SCALAR(conv2d_fp32_scalar)
};

constexpr KernelVariant<Conv2dFp16Function> kFp16Variants[] = {
    FOVEA_ROW_NEON_FP16(conv2d_fp16_neon_fp16)
    FOVEA_ROW_HALF_SPECIFICATION(conv2d_fp16_scalar)
};

}  // namespace

constinit const KernelTable<Conv2dFp32Function> kConv2dFp32 = make_table("conv2d_fp32", kFp32Variants);

constinit const KernelTable<Conv2dFp16Function> kConv2dFp16 = make_table("conv2d_fp16", kFp16Variants);

}  // namespace fovea::ops
