// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// Depthwise convolution (one filter a channel), one output row a call; see conv2d.h for why rows
// come as pointers.
//
//   output[x][c] = activation( bias[c] + sum_{a, b} row[a][x * stride + b * dilation - pad_left][c] * weight[a][b][c] )
// where positions outside 0 .. input_width-1 and null rows count as zero.
//
// Layouts, every element a float or every one a half:
//   rows      kernel_height pointers, each to [input_width][input_stride] or null (padding)
//   output    [output_width][output_stride]
//   weights   [kernel_height][kernel_width][ceil(channels / 8) * 8], zero past channels; each 8 aligned to their size
//   bias      [ceil(channels / 8) * 8]
// Accumulation order: bias, then a, b ascending, by fused multiply-adds; taps in the padding are
// skipped. Exact tails; an element's alignment of rows and output is enough. output overlaps nothing.
// Of halves the sum and the activation's result are each rounded to a half. The scalar kernel sums in
// float32, the vector kernels in halves: within 2^-11 x (taps + 1) x the sum of the absolute values of
// all that is added, before the activation.
template <typename Element>
struct DepthwiseConvArgs {
    const Element* const* rows;
    std::ptrdiff_t input_stride;
    Element* output;
    std::ptrdiff_t output_stride;
    const Element* weights;
    const Element* bias;
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
using DepthwiseConvFp32Args = DepthwiseConvArgs<float>;
using DepthwiseConvFp16Args = DepthwiseConvArgs<Half>;
using DepthwiseConvFp32Function = void (*)(const DepthwiseConvFp32Args&);
using DepthwiseConvFp16Function = void (*)(const DepthwiseConvFp16Args&);

void depthwise_conv_fp32_scalar(const DepthwiseConvFp32Args&);
void depthwise_conv_fp32_avx2(const DepthwiseConvFp32Args&);
void depthwise_conv_fp32_avx512(const DepthwiseConvFp32Args&);
void depthwise_conv_fp32_neon(const DepthwiseConvFp32Args&);
extern const KernelTable<DepthwiseConvFp32Function> kDepthwiseConvFp32;
template <>
struct TableOf<DepthwiseConvFp32Args> {
    static constexpr const auto& kTable = kDepthwiseConvFp32;
};

void depthwise_conv_fp16_scalar(const DepthwiseConvFp16Args&);
void depthwise_conv_fp16_neon_fp16(const DepthwiseConvFp16Args&);
extern const KernelTable<DepthwiseConvFp16Function> kDepthwiseConvFp16;
template <>
struct TableOf<DepthwiseConvFp16Args> {
    static constexpr const auto& kTable = kDepthwiseConvFp16;
};

}  // namespace fovea::ops
