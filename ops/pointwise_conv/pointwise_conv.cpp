// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PointwiseConvFp32Function> kFp32Variants[] = {
    FOVEA_ROW_AVX512(pointwise_conv_fp32_avx512)
    FOVEA_ROW_AVX2(pointwise_conv_fp32_avx2)
    FOVEA_ROW_NEON(pointwise_conv_fp32_neon)
    FOVEA_ROW_SCALAR(pointwise_conv_fp32_scalar)
};

constexpr KernelVariant<PointwiseConvFp16Function> kFp16Variants[] = {
    FOVEA_ROW_NEON_FP16(pointwise_conv_fp16_neon_fp16)
    FOVEA_ROW_HALF_SPECIFICATION(pointwise_conv_fp16_scalar)
};

}  // namespace

constinit const KernelTable<PointwiseConvFp32Function> kPointwiseConvFp32 = make_table("pointwise_conv_fp32", kFp32Variants);

constinit const KernelTable<PointwiseConvFp16Function> kPointwiseConvFp16 = make_table("pointwise_conv_fp16", kFp16Variants);

}  // namespace fovea::ops
