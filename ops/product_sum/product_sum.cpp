// SPDX-License-Identifier: Apache-2.0
#include "ops/product_sum/product_sum.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ProductSumOverPixelsFunction> kOverPixels[] = {
    FOVEA_ROW_AVX2(product_sum_over_pixels_fp32_avx2)
    FOVEA_ROW_NEON(product_sum_over_pixels_fp32_neon)
    FOVEA_ROW_SCALAR(product_sum_over_pixels_fp32_scalar)
};

constexpr KernelVariant<ProductSumOverChannelsFunction> kOverChannels[] = {
    FOVEA_ROW_AVX2(product_sum_over_channels_fp32_avx2)
    FOVEA_ROW_NEON(product_sum_over_channels_fp32_neon)
    FOVEA_ROW_SCALAR(product_sum_over_channels_fp32_scalar)
};

}  // namespace

constinit const KernelTable<ProductSumOverPixelsFunction> kProductSumOverPixelsFp32 =
    make_table("product_sum_over_pixels_fp32", kOverPixels);

constinit const KernelTable<ProductSumOverChannelsFunction> kProductSumOverChannelsFp32 =
    make_table("product_sum_over_channels_fp32", kOverChannels);

}  // namespace fovea::ops
