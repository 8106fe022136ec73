// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// output[p][c] = input[p][c] * scale[c] + offset[c] (a product, then a sum: two roundings, as the
// training frameworks do), from floats, halves or 8-bit integers to floats or halves: computed in
// float32; a half result is rounded once more. Used for Rescaling layers and for batch normalisation
// that could not be folded. Exact tails; output may equal an input of its type.
template <typename Input, typename Output>
struct AffineArgs {
    const Input* input;            // [pixels][channels]
    Output* output;                // [pixels][channels]
    const float* scale;            // [channels]
    const float* offset;           // [channels]
    std::size_t pixels;
    int channels;
};

using AffineFp32Args = AffineArgs<float, float>;
using AffineFp32Function = void (*)(const AffineFp32Args&);
void affine_fp32_scalar(const AffineFp32Args&);
void affine_fp32_avx2(const AffineFp32Args&);
void affine_fp32_neon(const AffineFp32Args&);
extern const KernelTable<AffineFp32Function> kAffineFp32;
template <>
struct TableOf<AffineFp32Args> {
    static constexpr const auto& kTable = kAffineFp32;
};

using AffinePixelsFp32Args = AffineArgs<std::uint8_t, float>;
using AffinePixelsFp32Function = void (*)(const AffinePixelsFp32Args&);
void affine_pixels_fp32_scalar(const AffinePixelsFp32Args&);
void affine_pixels_fp32_avx2(const AffinePixelsFp32Args&);
void affine_pixels_fp32_avx512(const AffinePixelsFp32Args&);
void affine_pixels_fp32_neon(const AffinePixelsFp32Args&);
extern const KernelTable<AffinePixelsFp32Function> kAffinePixelsFp32;
template <>
struct TableOf<AffinePixelsFp32Args> {
    static constexpr const auto& kTable = kAffinePixelsFp32;
};

using AffineFp16Args = AffineArgs<Half, Half>;
using AffineFp16Function = void (*)(const AffineFp16Args&);
void affine_fp16_scalar(const AffineFp16Args&);
void affine_fp16_neon(const AffineFp16Args&);
extern const KernelTable<AffineFp16Function> kAffineFp16;
template <>
struct TableOf<AffineFp16Args> {
    static constexpr const auto& kTable = kAffineFp16;
};

using AffineFp32ToFp16Args = AffineArgs<float, Half>;
using AffineFp32ToFp16Function = void (*)(const AffineFp32ToFp16Args&);
void affine_fp32_to_fp16_scalar(const AffineFp32ToFp16Args&);
void affine_fp32_to_fp16_neon(const AffineFp32ToFp16Args&);
extern const KernelTable<AffineFp32ToFp16Function> kAffineFp32ToFp16;
template <>
struct TableOf<AffineFp32ToFp16Args> {
    static constexpr const auto& kTable = kAffineFp32ToFp16;
};

using AffinePixelsFp16Args = AffineArgs<std::uint8_t, Half>;
using AffinePixelsFp16Function = void (*)(const AffinePixelsFp16Args&);
void affine_pixels_fp16_scalar(const AffinePixelsFp16Args&);
void affine_pixels_fp16_neon(const AffinePixelsFp16Args&);
extern const KernelTable<AffinePixelsFp16Function> kAffinePixelsFp16;
template <>
struct TableOf<AffinePixelsFp16Args> {
    static constexpr const auto& kTable = kAffinePixelsFp16;
};

}  // namespace fovea::ops
