// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include "ops/affine/affine.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// The affine map for the registers of Arch. Loader::load(pointer) turns one register's worth of
// input into floats. Memory sets the pace, so there is nothing to block.
//
// A pixel of fewer than kPatternChannels channels (RGB above all) does not fill a register. There
// the scales and offsets are repeated to `channels` registers, after which the pattern starts again
// at channel 0, and the tensor is one run of elements.
//
// The last elements are done one by one: a product and a sum, both rounded, give the same bits.
template <class Arch, typename Args, class Loader>
struct AffineKernel {
    using Batch = xsimd::batch<float, Arch>;
    static constexpr std::size_t kLanes = Batch::size;
    static constexpr std::size_t kPatternChannels = 8;

    template <typename Input>
    static void map(const Input* input, const float* scale, const float* offset, float* output,
                    std::size_t count) {
        std::size_t c = 0;
        for (; c + kLanes <= count; c += kLanes) {
            const Batch product = Loader::load(input + c) * Batch::load_unaligned(scale + c);
            (product + Batch::load_unaligned(offset + c)).store_unaligned(output + c);
        }
        for (; c < count; ++c) output[c] = static_cast<float>(input[c]) * scale[c] + offset[c];
    }

    static void run(const Args& args) {
        const std::size_t channels = static_cast<std::size_t>(args.channels);
        if (channels >= kPatternChannels) {
            for (std::size_t p = 0; p < args.pixels; ++p) {
                map(args.input + p * channels, args.scale, args.offset, args.output + p * channels,
                    channels);
            }
            return;
        }
        float scale[kPatternChannels * kLanes];
        float offset[kPatternChannels * kLanes];
        const std::size_t pattern = channels * kLanes;
        for (std::size_t k = 0; k < pattern; k += channels) {
            for (std::size_t c = 0; c < channels; ++c) {
                scale[k + c] = args.scale[c];
                offset[k + c] = args.offset[c];
            }
        }
        const std::size_t count = args.pixels * channels;
        std::size_t k = 0;
        for (; k + pattern <= count; k += pattern) {
            map(args.input + k, scale, offset, args.output + k, pattern);
        }
        map(args.input + k, scale, offset, args.output + k, count - k);
    }
};

}  // namespace
}  // namespace fovea::ops
