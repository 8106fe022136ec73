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

using AffineU8Args = AffineArgs<std::uint8_t, float>;
using AffineU8Function = void (*)(const AffineU8Args&);
void affine_u8_scalar(const AffineU8Args&);
void affine_u8_avx2(const AffineU8Args&);
void affine_u8_avx512(const AffineU8Args&);
void affine_u8_neon(const AffineU8Args&);
extern const KernelTable<AffineU8Function> kAffineU8;
template <>
struct TableOf<AffineU8Args> {
    static constexpr const auto& kTable = kAffineU8;
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

using AffineFp32Fp16Args = AffineArgs<float, Half>;
using AffineFp32Fp16Function = void (*)(const AffineFp32Fp16Args&);
void affine_fp32_fp16_scalar(const AffineFp32Fp16Args&);
void affine_fp32_fp16_neon(const AffineFp32Fp16Args&);
extern const KernelTable<AffineFp32Fp16Function> kAffineFp32Fp16;
template <>
struct TableOf<AffineFp32Fp16Args> {
    static constexpr const auto& kTable = kAffineFp32Fp16;
};

using AffineU8Fp16Args = AffineArgs<std::uint8_t, Half>;
using AffineU8Fp16Function = void (*)(const AffineU8Fp16Args&);
void affine_u8_fp16_scalar(const AffineU8Fp16Args&);
void affine_u8_fp16_neon(const AffineU8Fp16Args&);
extern const KernelTable<AffineU8Fp16Function> kAffineU8Fp16;
template <>
struct TableOf<AffineU8Fp16Args> {
    static constexpr const auto& kTable = kAffineU8Fp16;
};

}  // namespace fovea::ops
