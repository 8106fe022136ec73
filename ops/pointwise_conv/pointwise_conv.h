// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// 1x1 convolution, stride 1: a matrix product over pixels.
//
//   output[p][o] = activation( bias[o] + sum_{i < in_channels} input[p][i] * weight[i][o]
//                              (+ residual[p][o], added after the sum and before the activation) )
//
// Layouts, every element a float or every one a half:
//   input     [pixels][input_stride]      channels innermost, only the first in_channels are read
//   output    [pixels][output_stride]     only the first out_channels are written
//   residual  [pixels][residual_stride] or null
//   weights   panels of 8 output channels: [ceil(out_channels / 8)][in_channels][8], the lanes past
//             out_channels are zero; each 8 aligned to their size
//   bias      [ceil(out_channels / 8) * 8], zero past out_channels; aligned like the weights
// Strides are in elements, >= the channel count. input/output/residual need only an element's
// alignment.
// output may equal residual; otherwise output overlaps nothing.
// Nothing past the tensors is read or written.
//
// Each output element is accumulated in an order that depends on nothing but the number of
// channels, so splitting the pixels among calls or threads never changes a bit.
//
// float32: in the order i = 0, 1, ... from the bias. The vector kernels use fused multiply-adds and
// agree with each other to the bit (the sign of a zero aside); the scalar kernel rounds each
// product first, because a CPU that needs it may have no fused instruction. NaN in gives NaN out.
//
// Half: the sum, what the residual makes of it, and the activation's result are each rounded to a
// half, so that the residual and the activation may as well be steps of their own. The scalar
// kernel sums in float32. The vector kernels sum in halves, by fused multiply-adds, kHalfBlock
// terms at a time: the first block from the bias, each next one from zero, then added to the sum so
// far. An error within 2^-11 x (kHalfBlock + blocks + 2) x the sum of the absolute values of all
// that is added, before the activation; a sum on the way that is larger than 65504 is an infinity.
template <typename Element>
struct PointwiseConvArgs {
    const Element* input;
    std::ptrdiff_t input_stride;
    Element* output;
    std::ptrdiff_t output_stride;
    const Element* residual;
    std::ptrdiff_t residual_stride;
    const Element* weights;
    const Element* bias;
    std::size_t pixels;
    int in_channels;
    int out_channels;
    Activation activation;  // one that is_fusable() accepts
};
using PointwiseConvFp32Args = PointwiseConvArgs<float>;
using PointwiseConvFp16Args = PointwiseConvArgs<Half>;
using PointwiseConvFp32Function = void (*)(const PointwiseConvFp32Args&);
using PointwiseConvFp16Function = void (*)(const PointwiseConvFp16Args&);

void pointwise_conv_fp32_scalar(const PointwiseConvFp32Args&);
void pointwise_conv_fp32_avx2(const PointwiseConvFp32Args&);
void pointwise_conv_fp32_avx512(const PointwiseConvFp32Args&);
void pointwise_conv_fp32_neon(const PointwiseConvFp32Args&);
extern const KernelTable<PointwiseConvFp32Function> kPointwiseConvFp32;
template <>
struct TableOf<PointwiseConvFp32Args> {
    static constexpr const auto& kTable = kPointwiseConvFp32;
};

void pointwise_conv_fp16_scalar(const PointwiseConvFp16Args&);
void pointwise_conv_fp16_neon_fp16(const PointwiseConvFp16Args&);
extern const KernelTable<PointwiseConvFp16Function> kPointwiseConvFp16;
template <>
struct TableOf<PointwiseConvFp16Args> {
    static constexpr const auto& kTable = kPointwiseConvFp16;
};

}  // namespace fovea::ops
