// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// Fully connected layer of one vector, also the 1x1 convolution of a 1x1 map:
//
//   output[o] = bias[o] + sum_{i < in_features} input[i] * weight[i][o]
//
// Layouts, all float32 but the weights, which may be halves and are widened as they are loaded:
// input [in_features], output [out_features], weights in panels of 8 outputs
// [ceil(out_features / 8)][in_features][8], bias [ceil(out_features / 8) * 8], both zero past
// out_features, each 8 aligned to their size. Exact tails; 4-byte alignment of input and output is
// enough; output overlaps nothing. panel_begin/panel_end select the panels to compute (for
// threads).
//
// Order of summation, the same for every split of the panels: four partial sums, the k-th over
// i = k, k + 4, k + 8, ... ascending, the first starting from the bias and the others from zero;
// then (sum_0 + sum_1) + (sum_2 + sum_3). The vector kernels use fused multiply-adds and agree with
// each other to the bit (the sign of a zero aside); the scalar kernel rounds each product first,
// because a CPU that needs it may have no fused instruction.
template <typename Weight>
struct DenseArgs {
    const float* input;
    float* output;
    const Weight* weights;
    const float* bias;
    int in_features;
    int out_features;
    int panel_begin;
    int panel_end;
};
using DenseFp32Args = DenseArgs<float>;
using DenseFp32W16Args = DenseArgs<Half>;
using DenseFp32Function = void (*)(const DenseFp32Args&);
using DenseFp32W16Function = void (*)(const DenseFp32W16Args&);

void dense_fp32_scalar(const DenseFp32Args&);
void dense_fp32_avx2(const DenseFp32Args&);
void dense_fp32_neon(const DenseFp32Args&);
extern const KernelTable<DenseFp32Function> kDenseFp32;
template <>
struct TableOf<DenseFp32Args> {
    static constexpr const auto& kTable = kDenseFp32;
};

// The bits of the float32 kernel of the same instruction set on the widened weights.
void dense_fp32_w16_scalar(const DenseFp32W16Args&);
void dense_fp32_w16_avx2(const DenseFp32W16Args&);
void dense_fp32_w16_neon(const DenseFp32W16Args&);
extern const KernelTable<DenseFp32W16Function> kDenseFp32W16;
template <>
struct TableOf<DenseFp32W16Args> {
    static constexpr const auto& kTable = kDenseFp32W16;
};

}  // namespace fovea::ops
