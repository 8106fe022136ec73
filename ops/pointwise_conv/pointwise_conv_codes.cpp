// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv_codes.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PointwiseConvU8S8Function> kU8Variants[] = {
    FOVEA_ROW_AVX512_VNNI(pointwise_conv_u8s8_avx512_vnni)
    FOVEA_ROW_AVX2(pointwise_conv_u8s8_avx2)
    FOVEA_ROW_NEON_I8MM(pointwise_conv_u8s8_neon_i8mm)
    FOVEA_ROW_NEON_DOTPROD(pointwise_conv_u8s8_neon_dotprod)
    FOVEA_ROW_NEON(pointwise_conv_u8s8_neon)
    FOVEA_ROW_SCALAR(pointwise_conv_u8s8_scalar)
};

constexpr KernelVariant<PointwiseConvS16S8Function> kS16Variants[] = {
    FOVEA_ROW_AVX512_VNNI(pointwise_conv_s16s8_avx512_vnni)
    FOVEA_ROW_AVX2(pointwise_conv_s16s8_avx2)
    FOVEA_ROW_NEON_I8MM(pointwise_conv_s16s8_neon_i8mm)
    FOVEA_ROW_NEON_DOTPROD(pointwise_conv_s16s8_neon_dotprod)
    FOVEA_ROW_NEON(pointwise_conv_s16s8_neon)
    FOVEA_ROW_SCALAR(pointwise_conv_s16s8_scalar)
};

}  // namespace

constinit const KernelTable<PointwiseConvU8S8Function> kPointwiseConvU8S8 = make_table("pointwise_conv_u8s8", kU8Variants);

constinit const KernelTable<PointwiseConvS16S8Function> kPointwiseConvS16S8 = make_table("pointwise_conv_s16s8", kS16Variants);

}  // namespace fovea::ops
