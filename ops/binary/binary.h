// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

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

}  // namespace fovea::ops
