// SPDX-License-Identifier: Apache-2.0
#include "ops/affine/affine.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<AffineFp32Function> kAffineFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"affine_fp32_avx2", affine_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"affine_fp32_neon", affine_fp32_neon, kFeatureNeon},
#endif
    {"affine_fp32_scalar", affine_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<AffinePixelsFp32Function> kAffinePixelsFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX512)
    {"affine_pixels_fp32_avx512", affine_pixels_fp32_avx512, kFeatureAvx512},
#endif
#if defined(FOVEA_HAVE_AVX2)
    {"affine_pixels_fp32_avx2", affine_pixels_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"affine_pixels_fp32_neon", affine_pixels_fp32_neon, kFeatureNeon},
#endif
    {"affine_pixels_fp32_scalar", affine_pixels_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<AffineFp16Function> kAffineFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"affine_fp16_neon", affine_fp16_neon, kFeatureNeon},
#endif
    {"affine_fp16_scalar", affine_fp16_scalar, kFeatureNone},
};

constexpr KernelVariant<AffineFp32ToFp16Function> kAffineFp32ToFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"affine_fp32_to_fp16_neon", affine_fp32_to_fp16_neon, kFeatureNeon},
#endif
    {"affine_fp32_to_fp16_scalar", affine_fp32_to_fp16_scalar, kFeatureNone},
};

constexpr KernelVariant<AffinePixelsFp16Function> kAffinePixelsFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"affine_pixels_fp16_neon", affine_pixels_fp16_neon, kFeatureNeon},
#endif
    {"affine_pixels_fp16_scalar", affine_pixels_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<AffineFp32Function> kAffineFp32 = {
    "affine_fp32", kAffineFp32Variants,
    sizeof(kAffineFp32Variants) / sizeof(kAffineFp32Variants[0])};

constinit const KernelTable<AffinePixelsFp32Function> kAffinePixelsFp32 = {
    "affine_pixels_fp32", kAffinePixelsFp32Variants, sizeof(kAffinePixelsFp32Variants) / sizeof(kAffinePixelsFp32Variants[0])};

constinit const KernelTable<AffineFp16Function> kAffineFp16 = {
    "affine_fp16", kAffineFp16Variants, sizeof(kAffineFp16Variants) / sizeof(kAffineFp16Variants[0])};

constinit const KernelTable<AffineFp32ToFp16Function> kAffineFp32ToFp16 = {
    "affine_fp32_to_fp16", kAffineFp32ToFp16Variants, sizeof(kAffineFp32ToFp16Variants) / sizeof(kAffineFp32ToFp16Variants[0])};

constinit const KernelTable<AffinePixelsFp16Function> kAffinePixelsFp16 = {
    "affine_pixels_fp16", kAffinePixelsFp16Variants, sizeof(kAffinePixelsFp16Variants) / sizeof(kAffinePixelsFp16Variants[0])};

}  // namespace fovea::ops
