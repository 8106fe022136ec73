// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// General convolution: any kernel size, stride, dilation and groups, computed one output row a
// call. Reading input rows through pointers lets a caller keep them in a ring buffer and give
// padding rows as null, so the same kernel serves whole tensors and bands.
//
//   output[x][o] = activation( bias[o] + sum_{a, b, i} row[a][x * stride + b * dilation -
//   pad_left][g * in_group + i]
//                                                      * weight[a][b][i][o] )
// where g is the group of o and positions outside 0 .. input_width-1 and null rows count as zero.
//
// Layouts, all float32:
//   rows      kernel_height pointers, each to [input_width][input_stride] or null (padding)
//   output    [output_width][output_stride]
//   weights   for each group, panels of 8 output channels:
//             [groups][ceil(out_group / 8)][kernel_height][kernel_width][in_group][8], zero past
//             out_group; 32-byte aligned
//   bias      [groups][ceil(out_group / 8) * 8]
// where in_group = in_channels / groups, out_group = out_channels / groups.
// Accumulation order: bias, then a, b, i ascending; taps in the padding are skipped. So each
// element's bits depend on its inputs alone. The vector kernels use fused multiply-adds and agree
// with each other to the bit (the sign of a zero aside); the scalar kernel rounds each product
// first, because a CPU that needs it may have no fused instruction. NaN in gives NaN out. Exact
// tails; 4-byte alignment of rows and output is enough. output overlaps nothing.
struct Conv2dFp32Args {
    const float* const* rows;
    std::ptrdiff_t input_stride;
    float* output;
    std::ptrdiff_t output_stride;
    const float* weights;
    const float* bias;
    int input_width;
    int output_width;
    int in_channels;
    int out_channels;
    int groups;
    int kernel_height;
    int kernel_width;
    int stride_x;
    int dilation_x;
    int pad_left;
    Activation activation;  // one that is_fusable() accepts
};
using Conv2dFp32Function = void (*)(const Conv2dFp32Args&);

void conv2d_fp32_scalar(const Conv2dFp32Args&);
void conv2d_fp32_avx2(const Conv2dFp32Args&);
void conv2d_fp32_avx512(const Conv2dFp32Args&);
void conv2d_fp32_neon(const Conv2dFp32Args&);
extern const KernelTable<Conv2dFp32Function> kConv2dFp32;

}  // namespace fovea::ops
