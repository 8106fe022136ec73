// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PointwiseConvU8S8Function> kU8Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"pointwise_conv_u8s8_avx2", pointwise_conv_u8s8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON_DOTPROD)
    {"pointwise_conv_u8s8_neon_dotprod", pointwise_conv_u8s8_neon_dotprod, kFeatureNeonDotprod},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"pointwise_conv_u8s8_neon", pointwise_conv_u8s8_neon, kFeatureNeon},
#endif
    {"pointwise_conv_u8s8_scalar", pointwise_conv_u8s8_scalar, kFeatureNone},
};

constexpr KernelVariant<PointwiseConvS16S8Function> kS16Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"pointwise_conv_s16s8_avx2", pointwise_conv_s16s8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"pointwise_conv_s16s8_neon", pointwise_conv_s16s8_neon, kFeatureNeon},
#endif
    {"pointwise_conv_s16s8_scalar", pointwise_conv_s16s8_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<PointwiseConvU8S8Function> kPointwiseConvU8S8 = {
    "pointwise_conv_u8s8", kU8Variants, sizeof(kU8Variants) / sizeof(kU8Variants[0])};

constinit const KernelTable<PointwiseConvS16S8Function> kPointwiseConvS16S8 = {
    "pointwise_conv_s16s8", kS16Variants, sizeof(kS16Variants) / sizeof(kS16Variants[0])};

}  // namespace fovea::ops
