// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/kernel_variant.h"

namespace fovea::ops {

enum class PoolKind { kMax, kAverage };

// Windowed pooling, one output row a call (rows as in conv2d.h; null rows and columns outside the
// input are left out of the maximum and, for kAverage, out of the count unless count_padding).
// All float32, channels innermost; exact tails. A window that holds no input element at all gives
// -infinity for kMax and 0 for kAverage.
struct PoolFp32Args {
    const float* const* rows;      // window_height pointers to [input_width][input_stride] or null
    std::ptrdiff_t input_stride;
    float* output;                 // [output_width][output_stride]
    std::ptrdiff_t output_stride;
    int input_width;
    int output_width;
    int channels;
    int window_height;
    int window_width;
    int stride_x;
    int pad_left;
    PoolKind kind;
    bool count_padding;
};
using PoolFp32Function = void (*)(const PoolFp32Args&);

void pool_fp32_scalar(const PoolFp32Args&);
void pool_fp32_avx2(const PoolFp32Args&);
void pool_fp32_neon(const PoolFp32Args&);
extern const KernelTable<PoolFp32Function> kPoolFp32;

// Global pooling: output[c] = mean or maximum over all pixels of input[pixel][c], for channels
// channel_begin .. channel_end - 1. The order of summation per channel is fixed by `pixels` alone
// (never by the channel range), so threads may share the channels. The mean's error bound is that of
// at least 8-way split partial sums.
struct GlobalPoolFp32Args {
    const float* input;            // [pixels][input_stride]
    std::ptrdiff_t input_stride;
    float* output;                 // [channels]
    std::size_t pixels;            // >= 1
    int channel_begin;
    int channel_end;
    PoolKind kind;
};
using GlobalPoolFp32Function = void (*)(const GlobalPoolFp32Args&);

void global_pool_fp32_scalar(const GlobalPoolFp32Args&);
void global_pool_fp32_avx2(const GlobalPoolFp32Args&);
void global_pool_fp32_avx512(const GlobalPoolFp32Args&);
void global_pool_fp32_neon(const GlobalPoolFp32Args&);
extern const KernelTable<GlobalPoolFp32Function> kGlobalPoolFp32;

}  // namespace fovea::ops
