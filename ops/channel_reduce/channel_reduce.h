// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/half.h"
#include "ops/kernel_variant.h"
#include "ops/pool/pool.h"

namespace fovea::ops {

// Mean or maximum over the channels of each pixel: output[p * output_stride] from
// input[p][0 .. channels-1]. All elements are floats or all halves; exact tails; per-pixel results do
// not depend on the split of the pixels. Halves are averaged in float32 and rounded once.
template <typename Element>
struct ChannelReduceArgs {
    const Element* input;          // [pixels][input_stride]
    std::ptrdiff_t input_stride;
    Element* output;
    std::ptrdiff_t output_stride;
    std::size_t pixels;
    int channels;                  // >= 1
    PoolKind kind;
};
using ChannelReduceFp32Args = ChannelReduceArgs<float>;
using ChannelReduceFp16Args = ChannelReduceArgs<Half>;
using ChannelReduceFp32Function = void (*)(const ChannelReduceFp32Args&);
using ChannelReduceFp16Function = void (*)(const ChannelReduceFp16Args&);

void channel_reduce_fp32_scalar(const ChannelReduceFp32Args&);
void channel_reduce_fp32_avx2(const ChannelReduceFp32Args&);
void channel_reduce_fp32_neon(const ChannelReduceFp32Args&);
extern const KernelTable<ChannelReduceFp32Function> kChannelReduceFp32;
template <>
struct TableOf<ChannelReduceFp32Args> {
    static constexpr const auto& kTable = kChannelReduceFp32;
};

void channel_reduce_fp16_scalar(const ChannelReduceFp16Args&);
void channel_reduce_fp16_neon(const ChannelReduceFp16Args&);
extern const KernelTable<ChannelReduceFp16Function> kChannelReduceFp16;
template <>
struct TableOf<ChannelReduceFp16Args> {
    static constexpr const auto& kTable = kChannelReduceFp16;
};

}  // namespace fovea::ops
