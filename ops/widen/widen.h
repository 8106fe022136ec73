// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// IEEE 754 binary16 to binary32, exactly: subnormals keep their value, signs of zero and infinities
// stay, a NaN gives a NaN. How weights stored in half precision reach the float32 kernels.
//
//   input   [count]
//   output  [count]; overlaps nothing
// Exact tails; an element's alignment is enough.
struct WidenFp16Args {
    const Half* input;
    float* output;
    std::size_t count;
};
using WidenFp16Function = void (*)(const WidenFp16Args&);

void widen_fp16_scalar(const WidenFp16Args&);
void widen_fp16_avx2(const WidenFp16Args&);
void widen_fp16_neon(const WidenFp16Args&);
extern const KernelTable<WidenFp16Function> kWidenFp16;
template <>
struct TableOf<WidenFp16Args> {
    static constexpr const auto& kTable = kWidenFp16;
};

// binary32 to binary16: the nearest half, ties to even, an infinity from 65520 on; a NaN gives a NaN.
//
//   input   [count]
//   output  [count]; overlaps nothing
// Exact tails; an element's alignment is enough.
struct NarrowFp16Args {
    const float* input;
    Half* output;
    std::size_t count;
};
using NarrowFp16Function = void (*)(const NarrowFp16Args&);

void narrow_fp16_scalar(const NarrowFp16Args&);
void narrow_fp16_avx2(const NarrowFp16Args&);
void narrow_fp16_neon(const NarrowFp16Args&);
extern const KernelTable<NarrowFp16Function> kNarrowFp16;
template <>
struct TableOf<NarrowFp16Args> {
    static constexpr const auto& kTable = kNarrowFp16;
};

}  // namespace fovea::ops
