// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include "ops/affine/affine.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// The affine map for the registers of Arch. Loader::load(pointer, registers) turns Loader::kVectors
// registers' worth of input into floats: all that one load of bytes gives. Memory sets the pace, so
// there is nothing to block.
//
// A pixel of fewer than kPatternChannels channels (RGB above all) does not fill the registers. There
// the scales and offsets are repeated to `channels` times as many, after which the pattern starts
// again at channel 0, and the tensor is one run of elements.
//
// The last elements are done one by one: a product and a sum, both rounded, give the same bits.
template <class Arch, typename Args, class Loader>
struct AffineKernel {
    using Batch = xsimd::batch<float, Arch>;
    static constexpr int kVectors = Loader::kVectors;
    static constexpr std::size_t kStep = Batch::size * kVectors;  // a power of two
    static constexpr std::size_t kPatternChannels = 8;

    template <typename Input>
    static void map(const Input* input, const float* scale, const float* offset, float* output,
                    std::size_t count) {
        std::size_t c = 0;
        for (; c + kStep <= count; c += kStep) {
            Batch values[kVectors];
            Loader::load(input + c, values);
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) {
                const std::size_t at = c + static_cast<std::size_t>(v) * Batch::size;
                values[v] = values[v] * Batch::load_unaligned(scale + at) +
                            Batch::load_unaligned(offset + at);
            }
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) {
                values[v].store_unaligned(output + c + static_cast<std::size_t>(v) * Batch::size);
            }
        }
        for (; c < count; ++c) output[c] = static_cast<float>(input[c]) * scale[c] + offset[c];
    }

    // `channels` values to kStep times as many.
    static void repeat(const float* values, std::size_t channels, float* pattern) {
        for (std::size_t c = 0; c < channels; ++c) {  // few: no calls, which would cost more
            for (std::size_t k = c; k < channels * kStep; k += channels) pattern[k] = values[c];
        }
    }

    static void run(const Args& args) {
        const std::size_t channels = static_cast<std::size_t>(args.channels);
        const std::size_t count = args.pixels * channels;
        float scale[kPatternChannels * kStep];
        float offset[kPatternChannels * kStep];
        const float* scales = args.scale;
        const float* offsets = args.offset;
        std::size_t pattern = channels;
        if (channels < kPatternChannels) {
            repeat(args.scale, channels, scale);
            repeat(args.offset, channels, offset);
            scales = scale;
            offsets = offset;
            pattern = channels * kStep;
        }
        for (std::size_t k = 0; k < count; k += pattern) {
            const std::size_t left = count - k;
            map(args.input + k, scales, offsets, args.output + k, left < pattern ? left : pattern);
        }
    }
};

}  // namespace
}  // namespace fovea::ops
