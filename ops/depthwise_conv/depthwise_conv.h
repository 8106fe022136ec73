// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// Depthwise convolution (one filter a channel), one output row a call; see conv2d.h for why rows
// come as pointers.
//
//   output[x][c] = activation( bias[c] + sum_{a, b} row[a][x * stride + b * dilation - pad_left][c] * weight[a][b][c] )
// where positions outside 0 .. input_width-1 and null rows count as zero.
//
// Layouts, all float32:
//   rows      kernel_height pointers, each to [input_width][input_stride] or null (padding)
//   output    [output_width][output_stride]
//   weights   [kernel_height][kernel_width][ceil(channels / 8) * 8], zero past channels; 32-byte aligned
//   bias      [ceil(channels / 8) * 8]
// Accumulation order: bias, then a, b ascending, by fused multiply-adds; taps in the padding are
// skipped. Exact tails; 4-byte alignment of rows and output is enough.
struct DepthwiseConvFp32Args {
    const float* const* rows;
    std::ptrdiff_t input_stride;
    float* output;
    std::ptrdiff_t output_stride;
    const float* weights;
    const float* bias;
    int input_width;
    int output_width;
    int channels;
    int kernel_height;
    int kernel_width;
    int stride_x;
    int dilation_x;
    int pad_left;
    Activation activation;  // one that is_fusable() accepts
};
using DepthwiseConvFp32Function = void (*)(const DepthwiseConvFp32Args&);

void depthwise_conv_fp32_scalar(const DepthwiseConvFp32Args&);
void depthwise_conv_fp32_avx2(const DepthwiseConvFp32Args&);
void depthwise_conv_fp32_avx512(const DepthwiseConvFp32Args&);
void depthwise_conv_fp32_neon(const DepthwiseConvFp32Args&);
extern const KernelTable<DepthwiseConvFp32Function> kDepthwiseConvFp32;

}  // namespace fovea::ops
