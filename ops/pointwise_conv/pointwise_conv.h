// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// 1x1 convolution, stride 1: a matrix product over pixels.
//
//   output[p][o] = activation( bias[o] + sum_{i < in_channels} input[p][i] * weight[i][o]
//                              (+ residual[p][o], added after the sum and before the activation) )
//
// Layouts, all float32:
//   input     [pixels][input_stride]      channels innermost, only the first in_channels are read
//   output    [pixels][output_stride]     only the first out_channels are written
//   residual  [pixels][residual_stride] or null
//   weights   panels of 8 output channels: [ceil(out_channels / 8)][in_channels][8], the lanes past
//             out_channels are zero; 32-byte aligned
//   bias      [ceil(out_channels / 8) * 8], zero past out_channels; 32-byte aligned
// Strides are in elements, >= the channel count. input/output/residual need only 4-byte alignment.
// output may equal residual; otherwise output overlaps nothing.
// Nothing past the tensors is read or written. Each output element is accumulated in the order
// i = 0, 1, ... from the bias, whatever the pixel's place in a tile, so splitting the pixels among
// calls or threads never changes a bit. The vector kernels use fused multiply-adds and agree with
// each other to the bit (the sign of a zero aside); the scalar kernel rounds each product first,
// because a CPU that needs it may have no fused instruction. NaN in gives NaN out.
struct PointwiseConvFp32Args {
    const float* input;
    std::ptrdiff_t input_stride;
    float* output;
    std::ptrdiff_t output_stride;
    const float* residual;
    std::ptrdiff_t residual_stride;
    const float* weights;
    const float* bias;
    std::size_t pixels;
    int in_channels;
    int out_channels;
    Activation activation;  // one that is_fusable() accepts
};
using PointwiseConvFp32Function = void (*)(const PointwiseConvFp32Args&);

void pointwise_conv_fp32_scalar(const PointwiseConvFp32Args&);
void pointwise_conv_fp32_avx2(const PointwiseConvFp32Args&);
void pointwise_conv_fp32_avx512(const PointwiseConvFp32Args&);
void pointwise_conv_fp32_neon(const PointwiseConvFp32Args&);
extern const KernelTable<PointwiseConvFp32Function> kPointwiseConvFp32;

}  // namespace fovea::ops
