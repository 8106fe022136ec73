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

constexpr KernelVariant<AffineU8Function> kAffineU8Variants[] = {
#if defined(FOVEA_HAVE_AVX512)
    {"affine_u8_avx512", affine_u8_avx512, kFeatureAvx512},
#endif
#if defined(FOVEA_HAVE_AVX2)
    {"affine_u8_avx2", affine_u8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"affine_u8_neon", affine_u8_neon, kFeatureNeon},
#endif
    {"affine_u8_scalar", affine_u8_scalar, kFeatureNone},
};

constexpr KernelVariant<AffineFp16Function> kAffineFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"affine_fp16_neon", affine_fp16_neon, kFeatureNeon},
#endif
    {"affine_fp16_scalar", affine_fp16_scalar, kFeatureNone},
};

constexpr KernelVariant<AffineFp32Fp16Function> kAffineFp32Fp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"affine_fp32_fp16_neon", affine_fp32_fp16_neon, kFeatureNeon},
#endif
    {"affine_fp32_fp16_scalar", affine_fp32_fp16_scalar, kFeatureNone},
};

constexpr KernelVariant<AffineU8Fp16Function> kAffineU8Fp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"affine_u8_fp16_neon", affine_u8_fp16_neon, kFeatureNeon},
#endif
    {"affine_u8_fp16_scalar", affine_u8_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<AffineFp32Function> kAffineFp32 = {
    "affine_fp32", kAffineFp32Variants,
    sizeof(kAffineFp32Variants) / sizeof(kAffineFp32Variants[0])};

constinit const KernelTable<AffineU8Function> kAffineU8 = {
    "affine_u8", kAffineU8Variants, sizeof(kAffineU8Variants) / sizeof(kAffineU8Variants[0])};

constinit const KernelTable<AffineFp16Function> kAffineFp16 = {
    "affine_fp16", kAffineFp16Variants, sizeof(kAffineFp16Variants) / sizeof(kAffineFp16Variants[0])};

constinit const KernelTable<AffineFp32Fp16Function> kAffineFp32Fp16 = {
    "affine_fp32_fp16", kAffineFp32Fp16Variants, sizeof(kAffineFp32Fp16Variants) / sizeof(kAffineFp32Fp16Variants[0])};

constinit const KernelTable<AffineU8Fp16Function> kAffineU8Fp16 = {
    "affine_u8_fp16", kAffineU8Fp16Variants, sizeof(kAffineU8Fp16Variants) / sizeof(kAffineU8Fp16Variants[0])};

}  // namespace fovea::ops
