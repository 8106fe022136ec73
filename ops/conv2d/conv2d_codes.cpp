// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d_codes.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<Conv2dU8S8Function> kU8Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"conv2d_u8s8_avx2", conv2d_u8s8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"conv2d_u8s8_neon", conv2d_u8s8_neon, kFeatureNeon},
#endif
    {"conv2d_u8s8_scalar", conv2d_u8s8_scalar, kFeatureNone},
};

constexpr KernelVariant<Conv2dS16S8Function> kS16Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"conv2d_s16s8_avx2", conv2d_s16s8_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"conv2d_s16s8_neon", conv2d_s16s8_neon, kFeatureNeon},
#endif
    {"conv2d_s16s8_scalar", conv2d_s16s8_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<Conv2dU8S8Function> kConv2dU8S8 = {
    "conv2d_u8s8", kU8Variants, sizeof(kU8Variants) / sizeof(kU8Variants[0])};

constinit const KernelTable<Conv2dS16S8Function> kConv2dS16S8 = {
    "conv2d_s16s8", kS16Variants, sizeof(kS16Variants) / sizeof(kS16Variants[0])};

}  // namespace fovea::ops
