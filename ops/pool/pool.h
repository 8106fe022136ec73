// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

enum class PoolKind { kMax, kAverage };

// Windowed pooling, one output row a call (rows as in conv2d.h; null rows and columns outside the
// input are left out of the maximum and, for kAverage, out of the count unless count_padding).
// All elements are floats or all halves, channels innermost; exact tails. A window that holds no input
// element at all gives -infinity for kMax and 0 for kAverage. Halves are averaged in float32 and
// rounded once.
template <typename Element>
struct PoolArgs {
    const Element* const* rows;    // window_height pointers to [input_width][input_stride] or null
    std::ptrdiff_t input_stride;
    Element* output;               // [output_width][output_stride]
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
using PoolFp32Args = PoolArgs<float>;
using PoolFp16Args = PoolArgs<Half>;
using PoolFp32Function = void (*)(const PoolFp32Args&);
using PoolFp16Function = void (*)(const PoolFp16Args&);

void pool_fp32_scalar(const PoolFp32Args&);
void pool_fp32_avx2(const PoolFp32Args&);
void pool_fp32_neon(const PoolFp32Args&);
extern const KernelTable<PoolFp32Function> kPoolFp32;
template <>
struct TableOf<PoolFp32Args> {
    static constexpr const auto& kTable = kPoolFp32;
};

void pool_fp16_scalar(const PoolFp16Args&);
void pool_fp16_neon(const PoolFp16Args&);
extern const KernelTable<PoolFp16Function> kPoolFp16;
template <>
struct TableOf<PoolFp16Args> {
    static constexpr const auto& kTable = kPoolFp16;
};

// Global pooling: output[c] = mean or maximum over all pixels of input[pixel][c], for channels
// channel_begin .. channel_end - 1. The order of summation per channel is fixed by `pixels` alone
// (never by the channel range), so threads may share the channels. The mean's error bound is that of
// at least 8-way split partial sums. Of halves too the result and all sums are float32.
template <typename Element>
struct GlobalPoolArgs {
    const Element* input;          // [pixels][input_stride]
    std::ptrdiff_t input_stride;
    float* output;                 // [channels]
    std::size_t pixels;            // >= 1
    int channel_begin;
    int channel_end;
    PoolKind kind;
};
using GlobalPoolFp32Args = GlobalPoolArgs<float>;
using GlobalPoolFp16ToFp32Args = GlobalPoolArgs<Half>;
using GlobalPoolFp32Function = void (*)(const GlobalPoolFp32Args&);
using GlobalPoolFp16ToFp32Function = void (*)(const GlobalPoolFp16ToFp32Args&);

void global_pool_fp32_scalar(const GlobalPoolFp32Args&);
void global_pool_fp32_avx2(const GlobalPoolFp32Args&);
void global_pool_fp32_avx512(const GlobalPoolFp32Args&);
void global_pool_fp32_neon(const GlobalPoolFp32Args&);
extern const KernelTable<GlobalPoolFp32Function> kGlobalPoolFp32;
template <>
struct TableOf<GlobalPoolFp32Args> {
    static constexpr const auto& kTable = kGlobalPoolFp32;
};

void global_pool_fp16_to_fp32_scalar(const GlobalPoolFp16ToFp32Args&);
void global_pool_fp16_to_fp32_neon(const GlobalPoolFp16ToFp32Args&);
extern const KernelTable<GlobalPoolFp16ToFp32Function> kGlobalPoolFp16ToFp32;
template <>
struct TableOf<GlobalPoolFp16ToFp32Args> {
    static constexpr const auto& kTable = kGlobalPoolFp16ToFp32;
};

}  // namespace fovea::ops
