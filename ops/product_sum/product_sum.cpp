// SPDX-License-Identifier: Apache-2.0
#include "ops/product_sum/product_sum.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ProductSumOverPixelsFunction> kOverPixels[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"product_sum_over_pixels_fp32_avx2", product_sum_over_pixels_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"product_sum_over_pixels_fp32_neon", product_sum_over_pixels_fp32_neon, kFeatureNeon},
#endif
    {"product_sum_over_pixels_fp32_scalar", product_sum_over_pixels_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<ProductSumOverChannelsFunction> kOverChannels[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"product_sum_over_channels_fp32_avx2", product_sum_over_channels_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"product_sum_over_channels_fp32_neon", product_sum_over_channels_fp32_neon, kFeatureNeon},
#endif
    {"product_sum_over_channels_fp32_scalar", product_sum_over_channels_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<ProductSumOverPixelsFunction> kProductSumOverPixelsFp32 = {
    "product_sum_over_pixels_fp32", kOverPixels, sizeof(kOverPixels) / sizeof(kOverPixels[0])};

constinit const KernelTable<ProductSumOverChannelsFunction> kProductSumOverChannelsFp32 = {
    "product_sum_over_channels_fp32", kOverChannels, sizeof(kOverChannels) / sizeof(kOverChannels[0])};

}  // namespace fovea::ops
