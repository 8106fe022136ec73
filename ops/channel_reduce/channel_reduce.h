// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/kernel_variant.h"
#include "ops/pool/pool.h"

namespace fovea::ops {

// Mean or maximum over the channels of each pixel: output[p * output_stride] from
// input[p][0 .. channels-1]. All float32; exact tails; per-pixel results do not depend on the split
// of the pixels.
struct ChannelReduceFp32Args {
    const float* input;            // [pixels][input_stride]
    std::ptrdiff_t input_stride;
    float* output;
    std::ptrdiff_t output_stride;
    std::size_t pixels;
    int channels;                  // >= 1
    PoolKind kind;
};
using ChannelReduceFp32Function = void (*)(const ChannelReduceFp32Args&);

void channel_reduce_fp32_scalar(const ChannelReduceFp32Args&);
void channel_reduce_fp32_avx2(const ChannelReduceFp32Args&);
void channel_reduce_fp32_neon(const ChannelReduceFp32Args&);
extern const KernelTable<ChannelReduceFp32Function> kChannelReduceFp32;

}  // namespace fovea::ops
