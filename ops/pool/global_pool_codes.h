// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/codes.h"
#include "ops/kernel_variant.h"
#include "ops/pool/pool.h"

namespace fovea::ops {

// The mean or the maximum of each channel of a map of codes, as a float:
//
//   mean     (float(sum over p of (input[p][c] - zero[c])) / float(pixels)) * scale[c]
//   maximum  float(max over p of input[p][c] - zero[c]) * scale[c]
//
// for channel_begin <= c < channel_end. The sum is exact.
struct GlobalPoolCodesArgs {
    CodeMap input;
    float* output;  // [channels]
    const float* scale;
    const std::int32_t* zero;
    std::size_t pixels;  // 1 to 2^30
    int channel_begin;
    int channel_end;
    PoolKind kind;
};
using GlobalPoolCodesFunction = void (*)(const GlobalPoolCodesArgs&);

void global_pool_codes_scalar(const GlobalPoolCodesArgs&);
void global_pool_codes_avx2(const GlobalPoolCodesArgs&);
void global_pool_codes_neon(const GlobalPoolCodesArgs&);
extern const KernelTable<GlobalPoolCodesFunction> kGlobalPoolCodes;

}  // namespace fovea::ops
