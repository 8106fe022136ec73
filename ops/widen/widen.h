// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// IEEE 754 binary16 to binary32, exactly: subnormals keep their value, signs of zero and infinities
// stay, a NaN gives a NaN. How weights stored in half precision reach the float32 kernels.
//
//   input   [count], 16-byte aligned
//   output  [count], 32-byte aligned; overlaps nothing
// count is a multiple of 8, as packed weights have it.
struct WidenFp16Args {
    const std::uint16_t* input;
    float* output;
    std::size_t count;
};
using WidenFp16Function = void (*)(const WidenFp16Args&);

void widen_fp16_scalar(const WidenFp16Args&);
void widen_fp16_avx2(const WidenFp16Args&);
void widen_fp16_neon(const WidenFp16Args&);
extern const KernelTable<WidenFp16Function> kWidenFp16;

}  // namespace fovea::ops
