// SPDX-License-Identifier: Apache-2.0
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<StemPixelsFp32Function> kFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX512)
    {"stem_pixels_fp32_avx512", stem_pixels_fp32_avx512, kFeatureAvx512},
#endif
#if defined(FOVEA_HAVE_AVX2)
    {"stem_pixels_fp32_avx2", stem_pixels_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"stem_pixels_fp32_neon", stem_pixels_fp32_neon, kFeatureNeon},
#endif
    {"stem_pixels_fp32_scalar", stem_pixels_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<StemPixelsFp16Function> kFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON_FP16)
    {"stem_pixels_fp16_neon_fp16", stem_pixels_fp16_neon_fp16, kFeatureNeonFp16},
#endif
    {"stem_pixels_fp16_scalar", stem_pixels_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<StemPixelsFp32Function> kStemPixelsFp32 = {
    "stem_pixels_fp32", kFp32Variants, sizeof(kFp32Variants) / sizeof(kFp32Variants[0])};

constinit const KernelTable<StemPixelsFp16Function> kStemPixelsFp16 = {
    "stem_pixels_fp16", kFp16Variants, sizeof(kFp16Variants) / sizeof(kFp16Variants[0])};

}  // namespace fovea::ops
