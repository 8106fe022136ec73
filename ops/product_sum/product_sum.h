// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// Sums of products of two maps, or of one map where right is null: what reaches a factor that was the same for all pixels
// (the gate of squeeze and excitation), or for all channels of a pixel (CBAM's spatial gate). All float32, channels innermost,
// exact tails, an element's alignment is enough; output overlaps nothing.

// output[c] = sum over p ascending of left[p][c] * right[p][c], each product rounded before it is added. Every kernel gives the
// same bits.
struct ProductSumOverPixelsArgs {
    const float* left;   // [pixels][left_stride]
    std::ptrdiff_t left_stride;
    const float* right;  // [pixels][right_stride], or null: then the sum of left alone
    std::ptrdiff_t right_stride;
    float* output;       // [channels]
    std::size_t pixels;
    int channels;
};

// output[p * output_stride] = sum over c of left[p][c] * right[p][c]: eight partial sums, the j-th over the channels with
// c % 8 == j ascending, then ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). Every kernel gives the same bits.
struct ProductSumOverChannelsArgs {
    const float* left;
    std::ptrdiff_t left_stride;
    const float* right;
    std::ptrdiff_t right_stride;
    float* output;  // [pixels][output_stride]
    std::ptrdiff_t output_stride;
    std::size_t pixels;
    int channels;
};

using ProductSumOverPixelsFunction = void (*)(const ProductSumOverPixelsArgs&);
using ProductSumOverChannelsFunction = void (*)(const ProductSumOverChannelsArgs&);

void product_sum_over_pixels_fp32_scalar(const ProductSumOverPixelsArgs&);
void product_sum_over_pixels_fp32_avx2(const ProductSumOverPixelsArgs&);
void product_sum_over_pixels_fp32_neon(const ProductSumOverPixelsArgs&);
extern const KernelTable<ProductSumOverPixelsFunction> kProductSumOverPixelsFp32;
template <>
struct TableOf<ProductSumOverPixelsArgs> {
    static constexpr const auto& kTable = kProductSumOverPixelsFp32;
};

void product_sum_over_channels_fp32_scalar(const ProductSumOverChannelsArgs&);
void product_sum_over_channels_fp32_avx2(const ProductSumOverChannelsArgs&);
void product_sum_over_channels_fp32_neon(const ProductSumOverChannelsArgs&);
extern const KernelTable<ProductSumOverChannelsFunction> kProductSumOverChannelsFp32;
template <>
struct TableOf<ProductSumOverChannelsArgs> {
    static constexpr const auto& kTable = kProductSumOverChannelsFp32;
};

}  // namespace fovea::ops
