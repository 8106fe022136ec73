// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// Local response normalisation across the channels of each pixel (AlexNet, GoogLeNet):
//
//   output[p][c] = input[p][c] / (bias + alpha * sum)^beta
//   sum = the squares of input[p][c - radius .. c + radius], those that are channels
//
// all float32, channels innermost; output overlaps nothing; exact tails. bias > 0, alpha >= 0, beta >= 0, so that
// the base is above 0. Per-element results do not depend on the split of the pixels.
//
// Order, the same in every kernel, so that all give the same bits: the squares are added from the lowest channel
// up, starting from zero, each product and sum rounded; then alpha times that, then bias. A power of 1, 1/2 or 3/4 is
// made of square roots: x, sqrt(x), sqrt(x) * sqrt(sqrt(x)); any other is the C library's powf.
struct LrnFp32Args {
    const float* input;            // [pixels][input_stride]
    std::ptrdiff_t input_stride;
    float* output;                 // [pixels][output_stride]
    std::ptrdiff_t output_stride;
    std::size_t pixels;
    int channels;
    int radius;                    // >= 0
    float bias, alpha, beta;
};
using LrnFp32Function = void (*)(const LrnFp32Args&);

void lrn_fp32_scalar(const LrnFp32Args&);
void lrn_fp32_avx2(const LrnFp32Args&);
void lrn_fp32_neon(const LrnFp32Args&);
extern const KernelTable<LrnFp32Function> kLrnFp32;
template <>
struct TableOf<LrnFp32Args> {
    static constexpr const auto& kTable = kLrnFp32;
};

}  // namespace fovea::ops
