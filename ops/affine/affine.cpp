// SPDX-License-Identifier: Apache-2.0
#include "ops/affine/affine.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<AffineFp32Function> kAffineFp32Variants[] = {
    FOVEA_ROW_AVX2(affine_fp32_avx2)
    FOVEA_ROW_NEON(affine_fp32_neon)
    FOVEA_ROW_SCALAR(affine_fp32_scalar)
};

constexpr KernelVariant<AffinePixelsFp32Function> kAffinePixelsFp32Variants[] = {
    FOVEA_ROW_AVX512(affine_pixels_fp32_avx512)
    FOVEA_ROW_AVX2(affine_pixels_fp32_avx2)
    FOVEA_ROW_NEON(affine_pixels_fp32_neon)
    FOVEA_ROW_SCALAR(affine_pixels_fp32_scalar)
};

constexpr KernelVariant<AffineFp16Function> kAffineFp16Variants[] = {
    FOVEA_ROW_NEON(affine_fp16_neon)
    FOVEA_ROW_HALF_SPECIFICATION(affine_fp16_scalar)
};

constexpr KernelVariant<AffineFp32ToFp16Function> kAffineFp32ToFp16Variants[] = {
    FOVEA_ROW_NEON(affine_fp32_to_fp16_neon)
    FOVEA_ROW_HALF_SPECIFICATION(affine_fp32_to_fp16_scalar)
};

constexpr KernelVariant<AffinePixelsFp16Function> kAffinePixelsFp16Variants[] = {
    FOVEA_ROW_NEON(affine_pixels_fp16_neon)
    FOVEA_ROW_HALF_SPECIFICATION(affine_pixels_fp16_scalar)
};

}  // namespace

constinit const KernelTable<AffineFp32Function> kAffineFp32 = make_table("affine_fp32", kAffineFp32Variants);

constinit const KernelTable<AffinePixelsFp32Function> kAffinePixelsFp32 =
    make_table("affine_pixels_fp32", kAffinePixelsFp32Variants);

constinit const KernelTable<AffineFp16Function> kAffineFp16 = make_table("affine_fp16", kAffineFp16Variants);

constinit const KernelTable<AffineFp32ToFp16Function> kAffineFp32ToFp16 =
    make_table("affine_fp32_to_fp16", kAffineFp32ToFp16Variants);

constinit const KernelTable<AffinePixelsFp16Function> kAffinePixelsFp16 =
    make_table("affine_pixels_fp16", kAffinePixelsFp16Variants);

}  // namespace fovea::ops
