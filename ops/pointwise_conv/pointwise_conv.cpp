// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PointwiseConvFp32Function> kFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX512)
    {"pointwise_conv_fp32_avx512", pointwise_conv_fp32_avx512, kFeatureAvx512},
#endif
#if defined(FOVEA_HAVE_AVX2)
    {"pointwise_conv_fp32_avx2", pointwise_conv_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"pointwise_conv_fp32_neon", pointwise_conv_fp32_neon, kFeatureNeon},
#endif
    {"pointwise_conv_fp32_scalar", pointwise_conv_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<PointwiseConvFp16Function> kFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON_FP16)
    {"pointwise_conv_fp16_neon_fp16", pointwise_conv_fp16_neon_fp16, kFeatureNeonFp16},
#endif
    {"pointwise_conv_fp16_scalar", pointwise_conv_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<PointwiseConvFp32Function> kPointwiseConvFp32 = {
    "pointwise_conv_fp32", kFp32Variants, sizeof(kFp32Variants) / sizeof(kFp32Variants[0])};

constinit const KernelTable<PointwiseConvFp16Function> kPointwiseConvFp16 = {
    "pointwise_conv_fp16", kFp16Variants, sizeof(kFp16Variants) / sizeof(kFp16Variants[0])};

}  // namespace fovea::ops
