// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/affine/affine.h"
#include "ops/widen/widen.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

constexpr std::size_t kPartFloats = 512;
constexpr std::size_t kPixelMultiple = 16;  // which the kernels like, of whatever number of channels

// Calls compute(first element, floats of the result, scale, offset, pixels, channels) for parts of
// a tensor that together are all of it: some pixels, or some channels of one. What it leaves in the
// floats is narrowed into the output.
template <typename Input, typename Compute>
inline void affine_in_parts(const AffineArgs<Input, Half>& args, NarrowFp16Function narrow,
                            const Compute& compute) {
    const auto channels = static_cast<std::size_t>(args.channels);
    const std::size_t part_channels = channels < kPartFloats ? channels : kPartFloats;
    const std::size_t fitting = kPartFloats / part_channels;
    const std::size_t part_pixels =
        fitting > kPixelMultiple ? fitting / kPixelMultiple * kPixelMultiple : fitting;
    float part[kPartFloats];
    for (std::size_t p = 0; p < args.pixels; p += part_pixels) {
        const std::size_t pixels = args.pixels - p < part_pixels ? args.pixels - p : part_pixels;
        for (std::size_t c = 0; c < channels; c += part_channels) {
            const std::size_t left = channels - c;
            const std::size_t count = left < part_channels ? left : part_channels;
            const std::size_t first = p * channels + c;
            compute(args.input + first, part, args.scale + c, args.offset + c, pixels,
                    static_cast<int>(count));
            narrow({part, args.output + first, pixels * count});
        }
    }
}

}  // namespace
}  // namespace fovea::ops
