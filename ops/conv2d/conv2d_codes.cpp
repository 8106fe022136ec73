// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d_codes.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<Conv2dU8S8Function> kU8Variants[] = {
    FOVEA_ROW_AVX512_VNNI(conv2d_u8s8_avx512_vnni)
    FOVEA_ROW_AVX2(conv2d_u8s8_avx2)
    FOVEA_ROW_NEON_I8MM(conv2d_u8s8_neon_i8mm)
    FOVEA_ROW_NEON_DOTPROD(conv2d_u8s8_neon_dotprod)
    FOVEA_ROW_NEON(conv2d_u8s8_neon)
    FOVEA_ROW_SCALAR(conv2d_u8s8_scalar)
};

constexpr KernelVariant<Conv2dS16S8Function> kS16Variants[] = {
    FOVEA_ROW_AVX512_VNNI(conv2d_s16s8_avx512_vnni)
    FOVEA_ROW_AVX2(conv2d_s16s8_avx2)
    FOVEA_ROW_NEON_I8MM(conv2d_s16s8_neon_i8mm)
    FOVEA_ROW_NEON_DOTPROD(conv2d_s16s8_neon_dotprod)
    FOVEA_ROW_NEON(conv2d_s16s8_neon)
    FOVEA_ROW_SCALAR(conv2d_s16s8_scalar)
};

}  // namespace

constinit const KernelTable<Conv2dU8S8Function> kConv2dU8S8 = make_table("conv2d_u8s8", kU8Variants);

constinit const KernelTable<Conv2dS16S8Function> kConv2dS16S8 = make_table("conv2d_s16s8", kS16Variants);

}  // namespace fovea::ops
