// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// General convolution: any kernel size, stride, dilation and groups, computed one output row a
// call. Reading input rows through pointers lets a caller keep them in a ring buffer and give
// padding rows as null, so the same kernel serves whole tensors and bands.
//
//   output[x][o] = activation( bias[o] + sum_{a, b, i}
//                      row[a][x * stride + b * dilation - pad_left][g * in_group + i] * weight[a][b][i][o] )
// where g is the group of o and positions outside 0 .. input_width-1 and null rows count as zero.
//
// Layouts, every element a float or every one a half:
//   rows      kernel_height pointers, each to [input_width][input_stride] or null (padding)
//   output    [output_width][output_stride]
//   weights   for each group, panels of 8 output channels:
//             [groups][ceil(out_group / 8)][kernel_height][kernel_width][in_group][8], zero past
//             out_group; each 8 aligned to their size
//   bias      [groups][ceil(out_group / 8) * 8]
// where in_group = in_channels / groups, out_group = out_channels / groups.
// Exact tails; an element's alignment of rows and output is enough. output overlaps nothing.
//
// float32, order of summation: bias, then a, b, i ascending; taps in the padding are skipped. So
// each element's bits depend on its inputs alone. The vector kernels use fused multiply-adds and
// agree with each other to the bit (the sign of a zero aside); the scalar kernel rounds each
// product first, because a CPU that needs it may have no fused instruction. NaN in gives NaN out.
//
// Half: the sum and the activation's result are each rounded to a half. The scalar kernel sums in
// float32. The vector kernels sum in halves, in blocks of neighbouring terms, as pointwise_conv.h
// describes: within 2^-11 x (kHalfBlock + blocks + 1) x the sum of the absolute values of all that
// is added, before the activation, where blocks is at most kernel_height x kernel_width x
// ceil(in_group / kHalfBlock).
template <typename Element>
struct Conv2dArgs {
    const Element* const* rows;
    std::ptrdiff_t input_stride;
    Element* output;
    std::ptrdiff_t output_stride;
    const Element* weights;
    const Element* bias;
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
using Conv2dFp32Args = Conv2dArgs<float>;
using Conv2dFp16Args = Conv2dArgs<Half>;
using Conv2dFp32Function = void (*)(const Conv2dFp32Args&);
using Conv2dFp16Function = void (*)(const Conv2dFp16Args&);

void conv2d_fp32_scalar(const Conv2dFp32Args&);
void conv2d_fp32_avx2(const Conv2dFp32Args&);
void conv2d_fp32_avx512(const Conv2dFp32Args&);
void conv2d_fp32_neon(const Conv2dFp32Args&);
extern const KernelTable<Conv2dFp32Function> kConv2dFp32;
template <>
struct TableOf<Conv2dFp32Args> {
    static constexpr const auto& kTable = kConv2dFp32;
};

void conv2d_fp16_scalar(const Conv2dFp16Args&);
void conv2d_fp16_neon_fp16(const Conv2dFp16Args&);
extern const KernelTable<Conv2dFp16Function> kConv2dFp16;
template <>
struct TableOf<Conv2dFp16Args> {
    static constexpr const auto& kTable = kConv2dFp16;
};

}  // namespace fovea::ops
