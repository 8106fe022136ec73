// SPDX-License-Identifier: Apache-2.0
#include "ops/dense/dense.h"

#include "ops/dense/dense_s8.h"

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

constexpr KernelVariant<DenseFp16Function> kFp16Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"dense_fp16_avx2", dense_fp16_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"dense_fp16_neon", dense_fp16_neon, kFeatureNeon},
#endif
    {"dense_fp16_scalar", dense_fp16_scalar, kFeatureNone},
};

constexpr KernelVariant<DenseS8Function> kS8Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"dense_s8_avx2", dense_s8_avx2, kFeatureAvx2Fma},
#endif
    {"dense_s8_scalar", dense_s8_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<DenseS8Function> kDenseS8 = {
    "dense_s8", kS8Variants, sizeof(kS8Variants) / sizeof(kS8Variants[0])};

constinit const KernelTable<DenseFp32Function> kDenseFp32 = {
    "dense_fp32", kFp32Variants, sizeof(kFp32Variants) / sizeof(kFp32Variants[0])};

constinit const KernelTable<DenseFp16Function> kDenseFp16 = {
    "dense_fp16", kFp16Variants, sizeof(kFp16Variants) / sizeof(kFp16Variants[0])};

}  // namespace fovea::ops
