// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// Weights of a pointwise convolution with the gate of its input in them (squeeze-excitation, CBAM):
// gating the input channels and then convolving is the same as convolving with gated weights, and a
// layer with fewer output channels than pixels has fewer weights than inputs.
//
//   output[n][i][lane] = weights[n][i][lane] * gate[i]
//
//   weights  [panels][in_channels][8], panels of 8 output channels as in pointwise_conv.h; 32-byte
//            aligned
//   gate     [in_channels]; 4-byte alignment is enough
//   output   as weights; may be equal to it, otherwise overlaps nothing
// All float32; one rounding an element, so every kernel gives the same bits.
struct GateFp32Args {
    const float* weights;
    const float* gate;
    float* output;
    std::size_t panels;
    std::size_t in_channels;
};
using GateFp32Function = void (*)(const GateFp32Args&);

void gate_fp32_scalar(const GateFp32Args&);
void gate_fp32_avx2(const GateFp32Args&);
void gate_fp32_neon(const GateFp32Args&);
extern const KernelTable<GateFp32Function> kGateFp32;

}  // namespace fovea::ops
