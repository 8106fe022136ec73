// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<Conv2dFp32Function> kFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX512)
    {"conv2d_fp32_avx512", conv2d_fp32_avx512, kFeatureAvx512},
#endif
#if defined(FOVEA_HAVE_AVX2)
    {"conv2d_fp32_avx2", conv2d_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"conv2d_fp32_neon", conv2d_fp32_neon, kFeatureNeon},
#endif
    {"conv2d_fp32_scalar", conv2d_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<Conv2dFp16Function> kFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON_FP16)
    {"conv2d_fp16_neon_fp16", conv2d_fp16_neon_fp16, kFeatureNeonFp16},
#endif
    {"conv2d_fp16_scalar", conv2d_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<Conv2dFp32Function> kConv2dFp32 = {
    "conv2d_fp32", kFp32Variants, sizeof(kFp32Variants) / sizeof(kFp32Variants[0])};

constinit const KernelTable<Conv2dFp16Function> kConv2dFp16 = {
    "conv2d_fp16", kFp16Variants, sizeof(kFp16Variants) / sizeof(kFp16Variants[0])};

}  // namespace fovea::ops
