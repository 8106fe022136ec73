// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// Weights of a pointwise convolution with the gate of its input in them (squeeze-excitation, CBAM):
// gating the input channels and then convolving is the same as convolving with gated weights, and a
// layer with fewer output channels than pixels has fewer weights than inputs.
//
//   output[n][i][lane] = weights[n][i][lane] * gate[i]
//
//   weights  [panels][in_channels][8], panels of 8 output channels as in pointwise_conv.h; each 8
//            aligned to their size
//   gate     [in_channels], float32; 4-byte alignment is enough
//   output   as weights; may be equal to it, otherwise overlaps nothing
// Weights and output are floats or halves; with halves the gate is rounded to a half first. One
// rounding a product, so every kernel gives the same bits.
template <typename Element>
struct GateArgs {
    const Element* weights;
    const float* gate;
    Element* output;
    std::size_t panels;
    std::size_t in_channels;
};
using GateFp32Args = GateArgs<float>;
using GateFp16Args = GateArgs<Half>;
using GateFp32Function = void (*)(const GateFp32Args&);
using GateFp16Function = void (*)(const GateFp16Args&);

void gate_fp32_scalar(const GateFp32Args&);
void gate_fp32_avx2(const GateFp32Args&);
void gate_fp32_neon(const GateFp32Args&);
extern const KernelTable<GateFp32Function> kGateFp32;
template <>
struct TableOf<GateFp32Args> {
    static constexpr const auto& kTable = kGateFp32;
};

void gate_fp16_scalar(const GateFp16Args&);
void gate_fp16_neon_fp16(const GateFp16Args&);
extern const KernelTable<GateFp16Function> kGateFp16;
template <>
struct TableOf<GateFp16Args> {
    static constexpr const auto& kTable = kGateFp16;
};

}  // namespace fovea::ops
