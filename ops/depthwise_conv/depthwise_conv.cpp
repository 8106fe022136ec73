// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DepthwiseConvFp32Function> kFp32Variants[] = {
    FOVEA_ROW_AVX512(depthwise_conv_fp32_avx512)
    FOVEA_ROW_AVX2(depthwise_conv_fp32_avx2)
    FOVEA_ROW_NEON(depthwise_conv_fp32_neon)
    FOVEA_ROW_SCALAR(depthwise_conv_fp32_scalar)
};

constexpr KernelVariant<DepthwiseConvFp16Function> kFp16Variants[] = {
    FOVEA_ROW_NEON_FP16(depthwise_conv_fp16_neon_fp16)
    FOVEA_ROW_HALF_SPECIFICATION(depthwise_conv_fp16_scalar)
};

}  // namespace

constinit const KernelTable<DepthwiseConvFp32Function> kDepthwiseConvFp32 = make_table("depthwise_conv_fp32", kFp32Variants);

constinit const KernelTable<DepthwiseConvFp16Function> kDepthwiseConvFp16 = make_table("depthwise_conv_fp16", kFp16Variants);

}  // namespace fovea::ops
