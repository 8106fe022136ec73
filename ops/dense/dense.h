// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/kernel_variant.h"

namespace fovea::ops {

// Fully connected layer of one vector, also the 1x1 convolution of a 1x1 map:
//
//   output[o] = bias[o] + sum_{i < in_features} input[i] * weight[i][o]
//
// Layouts, all float32: input [in_features], output [out_features], weights in panels of 8 outputs
// [ceil(out_features / 8)][in_features][8], bias [ceil(out_features / 8) * 8], both zero past
// out_features and 32-byte aligned. Exact tails. panel_begin/panel_end select the panels to compute
// (for threads); the sum of an output may be split into partial sums in a fixed way that depends on
// in_features alone, so any split of the panels gives the same bits.
struct DenseFp32Args {
    const float* input;
    float* output;
    const float* weights;
    const float* bias;
    int in_features;
    int out_features;
    int panel_begin;
    int panel_end;
};
using DenseFp32Function = void (*)(const DenseFp32Args&);

extern const KernelTable<DenseFp32Function> kDenseFp32;

}  // namespace fovea::ops
