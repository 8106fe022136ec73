// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/codes.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// Convolution of codes with 8-bit weights, one group, one output row a call:
//
//   sum[x][o] = bias[o] + sum_{a, b, i} row[a][x * stride + b * dilation - pad_left][i] * weight[a][b][i][o]
//   output[x][o] = the code that its requantisation makes of the sum
//
// where positions outside 0 .. input_width - 1 and null rows hold the code of 0, input_zero[i]. The sums fit 32 bits in any order.
//
//   rows        kernel_height pointers, each to [input_width][input_stride] or null
//   output      [output_width][stride of the output]; overlaps nothing
//   weights     [ceil(out_channels / 8)][kernel_height][kernel_width][ceil(in_channels / 4)][8][4], as in pointwise_conv_codes.h
//   bias        [ceil(out_channels / 8) * 8]
//   input_zero  [in_channels]
template <typename Input>
struct Conv2dCodesArgs {
    const Input* const* rows;
    std::ptrdiff_t input_stride;
    CodeOutput output;
    const std::int8_t* weights;
    const std::int32_t* bias;
    const std::int32_t* input_zero;
    Requantisation requantisation;
    int input_width;
    int output_width;
    int in_channels;
    int out_channels;
    int kernel_height;
    int kernel_width;
    int stride_x;
    int dilation_x;
    int pad_left;
};
using Conv2dU8S8Args = Conv2dCodesArgs<std::uint8_t>;
using Conv2dS16S8Args = Conv2dCodesArgs<std::int16_t>;
using Conv2dU8S8Function = void (*)(const Conv2dU8S8Args&);
using Conv2dS16S8Function = void (*)(const Conv2dS16S8Args&);

void conv2d_u8s8_scalar(const Conv2dU8S8Args&);
void conv2d_u8s8_avx2(const Conv2dU8S8Args&);
void conv2d_u8s8_avx512_vnni(const Conv2dU8S8Args&);
void conv2d_u8s8_neon(const Conv2dU8S8Args&);
void conv2d_u8s8_neon_dotprod(const Conv2dU8S8Args&);
void conv2d_u8s8_neon_i8mm(const Conv2dU8S8Args&);
extern const KernelTable<Conv2dU8S8Function> kConv2dU8S8;
template <>
struct TableOf<Conv2dU8S8Args> {
    static constexpr const auto& kTable = kConv2dU8S8;
};

void conv2d_s16s8_scalar(const Conv2dS16S8Args&);
void conv2d_s16s8_avx2(const Conv2dS16S8Args&);
void conv2d_s16s8_avx512_vnni(const Conv2dS16S8Args&);
void conv2d_s16s8_neon(const Conv2dS16S8Args&);
void conv2d_s16s8_neon_dotprod(const Conv2dS16S8Args&);
void conv2d_s16s8_neon_i8mm(const Conv2dS16S8Args&);
extern const KernelTable<Conv2dS16S8Function> kConv2dS16S8;
template <>
struct TableOf<Conv2dS16S8Args> {
    static constexpr const auto& kTable = kConv2dS16S8;
};

}  // namespace fovea::ops
