// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv_codes.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DepthwiseConvU8S8Function> kU8Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"depthwise_conv_u8s8_avx2", depthwise_conv_u8s8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"depthwise_conv_u8s8_neon", depthwise_conv_u8s8_neon, kFeatureNeon},
#endif
    {"depthwise_conv_u8s8_scalar", depthwise_conv_u8s8_scalar, kFeatureNone},
};

constexpr KernelVariant<DepthwiseConvS16S8Function> kS16Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"depthwise_conv_s16s8_avx2", depthwise_conv_s16s8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"depthwise_conv_s16s8_neon", depthwise_conv_s16s8_neon, kFeatureNeon},
#endif
    {"depthwise_conv_s16s8_scalar", depthwise_conv_s16s8_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<DepthwiseConvU8S8Function> kDepthwiseConvU8S8 = {
    "depthwise_conv_u8s8", kU8Variants, sizeof(kU8Variants) / sizeof(kU8Variants[0])};

constinit const KernelTable<DepthwiseConvS16S8Function> kDepthwiseConvS16S8 = {
    "depthwise_conv_s16s8", kS16Variants, sizeof(kS16Variants) / sizeof(kS16Variants[0])};

}  // namespace fovea::ops
