// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv_codes.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DepthwiseConvU8S8Function> kU8Variants[] = {
    FOVEA_ROW_AVX512_VNNI(depthwise_conv_u8s8_avx512_vnni)
    FOVEA_ROW_AVX2(depthwise_conv_u8s8_avx2)
    FOVEA_ROW_NEON_DOTPROD(depthwise_conv_u8s8_neon_dotprod)
    FOVEA_ROW_NEON(depthwise_conv_u8s8_neon)
    FOVEA_ROW_SCALAR(depthwise_conv_u8s8_scalar)
};

constexpr KernelVariant<DepthwiseConvS16S8Function> kS16Variants[] = {
    FOVEA_ROW_AVX512_VNNI(depthwise_conv_s16s8_avx512_vnni)
    FOVEA_ROW_AVX2(depthwise_conv_s16s8_avx2)
    FOVEA_ROW_NEON(depthwise_conv_s16s8_neon)
    FOVEA_ROW_SCALAR(depthwise_conv_s16s8_scalar)
};

}  // namespace

constinit const KernelTable<DepthwiseConvU8S8Function> kDepthwiseConvU8S8 = make_table("depthwise_conv_u8s8", kU8Variants);

constinit const KernelTable<DepthwiseConvS16S8Function> kDepthwiseConvS16S8 = make_table("depthwise_conv_s16s8", kS16Variants);

}  // namespace fovea::ops
