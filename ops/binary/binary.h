// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

enum class BinaryKind { kAdd, kMultiply };

// output[p][c] = left[p][c] (+ or *) right[...], all float32, channels innermost.
// The right operand is broadcast by its strides: right_pixel_stride 0 repeats one vector for all
// pixels (a squeeze-excitation or CBAM channel gate); right_channel_stride 0 repeats one value for
// all channels of a pixel (a CBAM spatial gate); otherwise right_channel_stride is 1.
// output may equal left; exact tails.
struct BinaryFp32Args {
    const float* left;             // [pixels][left_stride]
    std::ptrdiff_t left_stride;
    const float* right;
    std::ptrdiff_t right_pixel_stride;
    int right_channel_stride;      // 0 or 1
    float* output;                 // [pixels][output_stride]
    std::ptrdiff_t output_stride;
    std::size_t pixels;
    int channels;
    BinaryKind kind;
};
using BinaryFp32Function = void (*)(const BinaryFp32Args&);

void binary_fp32_scalar(const BinaryFp32Args&);
void binary_fp32_avx2(const BinaryFp32Args&);
void binary_fp32_neon(const BinaryFp32Args&);
extern const KernelTable<BinaryFp32Function> kBinaryFp32;
template <>
struct TableOf<BinaryFp32Args> {
    static constexpr const auto& kTable = kBinaryFp32;
};

// The same of halves, each result rounded once. The right operand may be a vector of floats (a gate
// of float32), which are rounded to halves first.
struct BinaryFp16Args {
    const Half* left;              // [pixels][left_stride]
    std::ptrdiff_t left_stride;
    const Half* right;             // or null: then
    const float* right_vector;     // [channels], or one value if right_channel_stride is 0
    std::ptrdiff_t right_pixel_stride;  // 0 with a vector
    int right_channel_stride;      // 0 or 1
    Half* output;                  // [pixels][output_stride]
    std::ptrdiff_t output_stride;
    std::size_t pixels;
    int channels;
    BinaryKind kind;
};
using BinaryFp16Function = void (*)(const BinaryFp16Args&);

void binary_fp16_scalar(const BinaryFp16Args&);
void binary_fp16_neon_fp16(const BinaryFp16Args&);
extern const KernelTable<BinaryFp16Function> kBinaryFp16;
template <>
struct TableOf<BinaryFp16Args> {
    static constexpr const auto& kTable = kBinaryFp16;
};

}  // namespace fovea::ops
