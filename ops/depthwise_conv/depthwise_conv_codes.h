// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/codes.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// Depthwise convolution of codes with 8-bit weights, one output row a call:
//
//   sum[x][c] = bias[c] + sum_{a, b} row[a][x * stride + b * dilation - pad_left][c] * weight[a][b][c]
//   output[x][c] = the code that its requantisation makes of the sum
//
// where positions outside 0 .. input_width - 1 and null rows hold the code of 0, input_zero[c]. The sums fit 32 bits in any order.
//
//   rows        kernel_height pointers, each to [input_width][input_stride] or null
//   output      [output_width][stride of the output]; overlaps nothing
//   weights     [kernel_height][kernel_width][ceil(channels / 8) * 8], zero past channels
//   bias, input_zero  [ceil(channels / 8) * 8], aligned to 32 bytes
template <typename Input>
struct DepthwiseConvCodesArgs {
    const Input* const* rows;
    std::ptrdiff_t input_stride;
    CodeOutput output;
    const std::int8_t* weights;
    const std::int32_t* bias;
    const std::int32_t* input_zero;
    Requantisation requantisation;
    int input_width;
    int output_width;
    int channels;
    int kernel_height;
    int kernel_width;
    int stride_x;
    int dilation_x;
    int pad_left;
};
using DepthwiseConvU8S8Args = DepthwiseConvCodesArgs<std::uint8_t>;
using DepthwiseConvS16S8Args = DepthwiseConvCodesArgs<std::int16_t>;
using DepthwiseConvU8S8Function = void (*)(const DepthwiseConvU8S8Args&);
using DepthwiseConvS16S8Function = void (*)(const DepthwiseConvS16S8Args&);

void depthwise_conv_u8s8_scalar(const DepthwiseConvU8S8Args&);
void depthwise_conv_u8s8_avx2(const DepthwiseConvU8S8Args&);
void depthwise_conv_u8s8_avx512_vnni(const DepthwiseConvU8S8Args&);
void depthwise_conv_u8s8_neon(const DepthwiseConvU8S8Args&);
void depthwise_conv_u8s8_neon_dotprod(const DepthwiseConvU8S8Args&);
extern const KernelTable<DepthwiseConvU8S8Function> kDepthwiseConvU8S8;
template <>
struct TableOf<DepthwiseConvU8S8Args> {
    static constexpr const auto& kTable = kDepthwiseConvU8S8;
};

void depthwise_conv_s16s8_scalar(const DepthwiseConvS16S8Args&);
void depthwise_conv_s16s8_avx2(const DepthwiseConvS16S8Args&);
void depthwise_conv_s16s8_avx512_vnni(const DepthwiseConvS16S8Args&);
void depthwise_conv_s16s8_neon(const DepthwiseConvS16S8Args&);
extern const KernelTable<DepthwiseConvS16S8Function> kDepthwiseConvS16S8;
template <>
struct TableOf<DepthwiseConvS16S8Args> {
    static constexpr const auto& kTable = kDepthwiseConvS16S8;
};

}  // namespace fovea::ops
