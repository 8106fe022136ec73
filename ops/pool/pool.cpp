// SPDX-License-Identifier: Apache-2.0
#include "ops/pool/pool.h"

#include "ops/pool/global_pool_codes.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PoolFp32Function> kPoolFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"pool_fp32_avx2", pool_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"pool_fp32_neon", pool_fp32_neon, kFeatureNeon},
#endif
    {"pool_fp32_scalar", pool_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<GlobalPoolFp32Function> kGlobalPoolFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX512)
    {"global_pool_fp32_avx512", global_pool_fp32_avx512, kFeatureAvx512},
#endif
#if defined(FOVEA_HAVE_AVX2)
    {"global_pool_fp32_avx2", global_pool_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"global_pool_fp32_neon", global_pool_fp32_neon, kFeatureNeon},
#endif
    {"global_pool_fp32_scalar", global_pool_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<PoolFp16Function> kPoolFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"pool_fp16_neon", pool_fp16_neon, kFeatureNeon},
#endif
    {"pool_fp16_scalar", pool_fp16_scalar, kFeatureNone},
};

constexpr KernelVariant<GlobalPoolFp16ToFp32Function> kGlobalPoolFp16ToFp32Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"global_pool_fp16_to_fp32_neon", global_pool_fp16_to_fp32_neon, kFeatureNeon},
#endif
    {"global_pool_fp16_to_fp32_scalar", global_pool_fp16_to_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<GlobalPoolCodesFunction> kGlobalPoolCodesVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"global_pool_codes_avx2", global_pool_codes_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"global_pool_codes_neon", global_pool_codes_neon, kFeatureNeon},
#endif
    {"global_pool_codes_scalar", global_pool_codes_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<GlobalPoolCodesFunction> kGlobalPoolCodes = {
    "global_pool_codes", kGlobalPoolCodesVariants, sizeof(kGlobalPoolCodesVariants) / sizeof(kGlobalPoolCodesVariants[0])};

constinit const KernelTable<PoolFp32Function> kPoolFp32 = {
    "pool_fp32", kPoolFp32Variants, sizeof(kPoolFp32Variants) / sizeof(kPoolFp32Variants[0])};

constinit const KernelTable<GlobalPoolFp32Function> kGlobalPoolFp32 = {
    "global_pool_fp32", kGlobalPoolFp32Variants,
    sizeof(kGlobalPoolFp32Variants) / sizeof(kGlobalPoolFp32Variants[0]), true};

constinit const KernelTable<PoolFp16Function> kPoolFp16 = {
    "pool_fp16", kPoolFp16Variants, sizeof(kPoolFp16Variants) / sizeof(kPoolFp16Variants[0])};

constinit const KernelTable<GlobalPoolFp16ToFp32Function> kGlobalPoolFp16ToFp32 = {
    "global_pool_fp16_to_fp32", kGlobalPoolFp16ToFp32Variants,
    sizeof(kGlobalPoolFp16ToFp32Variants) / sizeof(kGlobalPoolFp16ToFp32Variants[0])};

}  // namespace fovea::ops
