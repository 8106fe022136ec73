// SPDX-License-Identifier: Apache-2.0
#include "ops/dense/dense.h"

#include "ops/dense/dense_fp32_w8.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DenseFp32Function> kFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"dense_fp32_avx2", dense_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"dense_fp32_neon", dense_fp32_neon, kFeatureNeon},
#endif
    {"dense_fp32_scalar", dense_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<DenseFp32W16Function> kFp16Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"dense_fp32_w16_avx2", dense_fp32_w16_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"dense_fp32_w16_neon", dense_fp32_w16_neon, kFeatureNeon},
#endif
    {"dense_fp32_w16_scalar", dense_fp32_w16_scalar, kFeatureNone},
};

constexpr KernelVariant<DenseFp32W8Function> kS8Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"dense_fp32_w8_avx2", dense_fp32_w8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"dense_fp32_w8_neon", dense_fp32_w8_neon, kFeatureNeon},
#endif
    {"dense_fp32_w8_scalar", dense_fp32_w8_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<DenseFp32W8Function> kDenseFp32W8 = {
    "dense_fp32_w8", kS8Variants, sizeof(kS8Variants) / sizeof(kS8Variants[0])};

constinit const KernelTable<DenseFp32Function> kDenseFp32 = {
    "dense_fp32", kFp32Variants, sizeof(kFp32Variants) / sizeof(kFp32Variants[0])};

constinit const KernelTable<DenseFp32W16Function> kDenseFp32W16 = {
    "dense_fp32_w16", kFp16Variants, sizeof(kFp16Variants) / sizeof(kFp16Variants[0])};

}  // namespace fovea::ops
