// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/codes.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// Two maps of codes added, each with scales of its own:
//
//   value = (float(left) * left_multiplier[c] + float(right) * right_multiplier[c]) + offset[c]
//   output = round(clamped value) + zero[c]
//
// The offset is what the zeros of left and right make. Vectors as in codes.h. output may be left or right if it is of the
// same type and stride; otherwise it overlaps nothing.
struct AddCodesArgs {
    CodeMap left, right;
    CodeOutput output;
    const float* left_multiplier;
    const float* right_multiplier;
    const float* offset;
    const std::int32_t* zero;
    std::size_t pixels;
    int channels;
};
using AddCodesFunction = void (*)(const AddCodesArgs&);

void add_codes_scalar(const AddCodesArgs&);
void add_codes_avx2(const AddCodesArgs&);
void add_codes_avx512(const AddCodesArgs&);
void add_codes_neon(const AddCodesArgs&);
extern const KernelTable<AddCodesFunction> kAddCodes;

// A map of codes scaled by a gate of floats, one for each channel:
//
//   value = float(input - input_zero[c]) * (gate[c] * multiplier[c])
//   output = round(clamped value) + zero[c]
//
// gate needs 4-byte alignment only, and has no padding.
struct GateCodesArgs {
    CodeMap input;
    CodeOutput output;
    const float* gate;
    const std::int32_t* input_zero;
    const float* multiplier;
    const std::int32_t* zero;
    std::size_t pixels;
    int channels;
};
using GateCodesFunction = void (*)(const GateCodesArgs&);

void gate_codes_scalar(const GateCodesArgs&);
void gate_codes_avx2(const GateCodesArgs&);
void gate_codes_avx512(const GateCodesArgs&);
void gate_codes_neon(const GateCodesArgs&);
extern const KernelTable<GateCodesFunction> kGateCodes;

// From numbers to codes:
//
//   value = float(input) * multiplier[c] + offset[c]
//   output = round(clamped value) + zero[c]
//
// input [pixels][channels], floats or bytes (pixels of the caller).
template <typename Input>
struct QuantiseArgs {
    const Input* input;
    CodeOutput output;
    const float* multiplier;
    const float* offset;
    const std::int32_t* zero;
    std::size_t pixels;
    int channels;
};
using QuantiseFp32Args = QuantiseArgs<float>;
using QuantisePixelsArgs = QuantiseArgs<std::uint8_t>;
using QuantiseFp32Function = void (*)(const QuantiseFp32Args&);
using QuantisePixelsFunction = void (*)(const QuantisePixelsArgs&);

void quantise_fp32_scalar(const QuantiseFp32Args&);
extern const KernelTable<QuantiseFp32Function> kQuantiseFp32;
template <>
struct TableOf<QuantiseFp32Args> {
    static constexpr const auto& kTable = kQuantiseFp32;
};

void quantise_pixels_scalar(const QuantisePixelsArgs&);
void quantise_pixels_avx2(const QuantisePixelsArgs&);
void quantise_pixels_avx512(const QuantisePixelsArgs&);
void quantise_pixels_neon(const QuantisePixelsArgs&);
extern const KernelTable<QuantisePixelsFunction> kQuantisePixels;
template <>
struct TableOf<QuantisePixelsArgs> {
    static constexpr const auto& kTable = kQuantisePixels;
};

// From codes to floats: output[p][c] = float(input[p][c] - zero[c]) * scale[c]; output [pixels][output_stride].
struct DequantiseArgs {
    CodeMap input;
    float* output;
    std::ptrdiff_t output_stride;
    const float* scale;
    const std::int32_t* zero;
    std::size_t pixels;
    int channels;
};
using DequantiseFunction = void (*)(const DequantiseArgs&);

void dequantise_scalar(const DequantiseArgs&);
void dequantise_neon(const DequantiseArgs&);
extern const KernelTable<DequantiseFunction> kDequantise;

}  // namespace fovea::ops
