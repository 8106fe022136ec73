// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DepthwiseConvFp32Function> kFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX512)
    {"depthwise_conv_fp32_avx512", depthwise_conv_fp32_avx512, kFeatureAvx512},
#endif
#if defined(FOVEA_HAVE_AVX2)
    {"depthwise_conv_fp32_avx2", depthwise_conv_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"depthwise_conv_fp32_neon", depthwise_conv_fp32_neon, kFeatureNeon},
#endif
    {"depthwise_conv_fp32_scalar", depthwise_conv_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<DepthwiseConvFp16Function> kFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON_FP16)
    {"depthwise_conv_fp16_neon_fp16", depthwise_conv_fp16_neon_fp16, kFeatureNeonFp16},
#endif
    {"depthwise_conv_fp16_scalar", depthwise_conv_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<DepthwiseConvFp32Function> kDepthwiseConvFp32 = {
    "depthwise_conv_fp32", kFp32Variants, sizeof(kFp32Variants) / sizeof(kFp32Variants[0])};

constinit const KernelTable<DepthwiseConvFp16Function> kDepthwiseConvFp16 = {
    "depthwise_conv_fp16", kFp16Variants, sizeof(kFp16Variants) / sizeof(kFp16Variants[0])};

}  // namespace fovea::ops
