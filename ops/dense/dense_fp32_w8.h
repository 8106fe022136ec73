// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// Fully connected layer of one vector of floats with 8-bit weights:
//
//   output[o] = (sum_{i < in_features} input[i] * weight[i][o]) * scale[o] + bias[o]
//
// input [in_features] and output [out_features] need 4-byte alignment only and overlap nothing; weights in panels of 8 outputs
// [ceil(out_features / 8)][in_features][8]; scale and bias [ceil(out_features / 8) * 8]; all zero past out_features.
// panel_begin/panel_end select the panels to compute (for threads).
//
// Order of summation, in every kernel: four partial sums, the k-th over i = k, k + 4, k + 8, ... ascending from zero, each product
// and each addition rounded, none fused; then (sum_0 + sum_1) + (sum_2 + sum_3). So all CPUs give the same bits.
struct DenseFp32W8Args {
    const float* input;
    float* output;
    const std::int8_t* weights;
    const float* scale;
    const float* bias;
    int in_features;
    int out_features;
    int panel_begin;
    int panel_end;
};
using DenseFp32W8Function = void (*)(const DenseFp32W8Args&);

void dense_fp32_w8_scalar(const DenseFp32W8Args&);
void dense_fp32_w8_avx2(const DenseFp32W8Args&);
void dense_fp32_w8_neon(const DenseFp32W8Args&);
extern const KernelTable<DenseFp32W8Function> kDenseFp32W8;

}  // namespace fovea::ops
