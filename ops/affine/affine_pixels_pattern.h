// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/affine/affine.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// Pixels whose channels divide kPeriod, as one run of elements: after kPeriod of them the scales
// and offsets start again, so that a kernel holds them in registers.
//
// map_steps(input, scale, offset, output, steps) does `steps` times kStep elements, a multiple of
// kPeriod, the first of which has scale[0] and offset[0] of kPeriod of each. The elements behind
// the last whole step are done by one that begins earlier, fewer than a step one by one, and made
// elements by round(float): a product and a sum, both rounded, give the same bits.
template <std::size_t kPeriod, std::size_t kStep, typename Element, typename MapSteps,
          typename Round>
inline void map_pattern(const AffineArgs<std::uint8_t, Element>& args, const MapSteps& map_steps,
                        const Round& round) {
    const std::size_t channels = static_cast<std::size_t>(args.channels);
    // Twice the period: the last step begins anywhere in it.
    float scale[2 * kPeriod];
    float offset[2 * kPeriod];
    for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t k = c; k < 2 * kPeriod; k += channels) {
            scale[k] = args.scale[c];
            offset[k] = args.offset[c];
        }
    }
    const std::size_t count = args.pixels * channels;
    map_steps(args.input, scale, offset, args.output, count / kStep);
    if (count < kStep) {
        for (std::size_t k = 0; k < count; ++k) {
            args.output[k] =
                round(static_cast<float>(args.input[k]) * scale[k % kPeriod] + offset[k % kPeriod]);
        }
    } else if (count % kStep != 0) {
        const std::size_t first = count - kStep;
        const std::size_t phase = first % kPeriod;
        map_steps(args.input + first, scale + phase, offset + phase, args.output + first, 1);
    }
}

}  // namespace
}  // namespace fovea::ops
