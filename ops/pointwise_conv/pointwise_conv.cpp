// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PointwiseConvFp32Function> kVariants[] = {
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

}  // namespace

constinit const KernelTable<PointwiseConvFp32Function> kPointwiseConvFp32 = {
    "pointwise_conv_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
