// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DepthwiseConvFp32Function> kVariants[] = {
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

}  // namespace

constinit const KernelTable<DepthwiseConvFp32Function> kDepthwiseConvFp32 = {
    "depthwise_conv_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
