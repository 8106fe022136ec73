// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// output[p][c] = input[p][c] * scale[c] + offset[c] (a product, then a sum: two roundings, as the
// training frameworks do); float32 result from float32 or 8-bit input. Used for Rescaling layers and
// for batch normalisation that could not be folded. Exact tails; output may equal a float32 input.
struct AffineFp32Args {
    const float* input;            // [pixels][channels]
    float* output;                 // [pixels][channels]
    const float* scale;            // [channels]
    const float* offset;           // [channels]
    std::size_t pixels;
    int channels;
};
using AffineFp32Function = void (*)(const AffineFp32Args&);
void affine_fp32_scalar(const AffineFp32Args&);
void affine_fp32_avx2(const AffineFp32Args&);
void affine_fp32_neon(const AffineFp32Args&);
extern const KernelTable<AffineFp32Function> kAffineFp32;

struct AffineU8Args {
    const std::uint8_t* input;     // [pixels][channels]
    float* output;                 // [pixels][channels]
    const float* scale;            // [channels]
    const float* offset;           // [channels]
    std::size_t pixels;
    int channels;
};
using AffineU8Function = void (*)(const AffineU8Args&);
void affine_u8_scalar(const AffineU8Args&);
void affine_u8_avx2(const AffineU8Args&);
void affine_u8_avx512(const AffineU8Args&);
void affine_u8_neon(const AffineU8Args&);
extern const KernelTable<AffineU8Function> kAffineU8;

}  // namespace fovea::ops
