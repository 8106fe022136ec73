// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/codes.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// 1x1 convolution of codes with 8-bit weights, stride 1:
//
//   sum[p][o] = bias[o] + sum_i input[p][i] * weight[i][o]      whole numbers, which fit 32 bits in any order
//   output[p][o] = the code that its requantisation makes of the sum
//
//   input     [pixels][input_stride], codes of 8 or 16 bits, only the first in_channels are read
//   output    [pixels][stride of the output], only the first out_channels are written; overlaps nothing
//   weights   panels of 8 outputs x 4 inputs: [ceil(out_channels / 8)][ceil(in_channels / 4)][8][4], zero past the
//             channels, aligned to 32 bytes. With inputs of 8 bits the positive weights of the inputs 2j and 2j + 1
//             add up to 128 at the most, the negative ones to -128: then 255 times a pair fits 16 bits.
//   bias      [ceil(out_channels / 8) * 8], aligned to 32 bytes
template <typename Input>
struct PointwiseConvCodesArgs {
    const Input* input;
    std::ptrdiff_t input_stride;
    CodeOutput output;
    const std::int8_t* weights;
    const std::int32_t* bias;
    Requantisation requantisation;
    std::size_t pixels;
    int in_channels;
    int out_channels;
};
using PointwiseConvU8S8Args = PointwiseConvCodesArgs<std::uint8_t>;
using PointwiseConvS16S8Args = PointwiseConvCodesArgs<std::int16_t>;
using PointwiseConvU8S8Function = void (*)(const PointwiseConvU8S8Args&);
using PointwiseConvS16S8Function = void (*)(const PointwiseConvS16S8Args&);

void pointwise_conv_u8s8_scalar(const PointwiseConvU8S8Args&);
void pointwise_conv_u8s8_avx2(const PointwiseConvU8S8Args&);
void pointwise_conv_u8s8_avx512_vnni(const PointwiseConvU8S8Args&);
void pointwise_conv_u8s8_neon(const PointwiseConvU8S8Args&);
void pointwise_conv_u8s8_neon_dotprod(const PointwiseConvU8S8Args&);
void pointwise_conv_u8s8_neon_i8mm(const PointwiseConvU8S8Args&);
extern const KernelTable<PointwiseConvU8S8Function> kPointwiseConvU8S8;
template <>
struct TableOf<PointwiseConvU8S8Args> {
    static constexpr const auto& kTable = kPointwiseConvU8S8;
};

void pointwise_conv_s16s8_scalar(const PointwiseConvS16S8Args&);
void pointwise_conv_s16s8_avx2(const PointwiseConvS16S8Args&);
void pointwise_conv_s16s8_avx512_vnni(const PointwiseConvS16S8Args&);
void pointwise_conv_s16s8_neon(const PointwiseConvS16S8Args&);
void pointwise_conv_s16s8_neon_dotprod(const PointwiseConvS16S8Args&);
void pointwise_conv_s16s8_neon_i8mm(const PointwiseConvS16S8Args&);
extern const KernelTable<PointwiseConvS16S8Function> kPointwiseConvS16S8;
template <>
struct TableOf<PointwiseConvS16S8Args> {
    static constexpr const auto& kTable = kPointwiseConvS16S8;
};

}  // namespace fovea::ops
