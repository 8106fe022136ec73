// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/activation/activation.h"
#include "ops/widen/widen.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

// A float32 kernel between conversions, in parts that stay in the first-level cache.
inline void activation_in_parts(const ActivationFp16Args& args, WidenFp16Function widen,
                                ActivationFp32Function activate, NarrowFp16Function narrow) {
    constexpr std::size_t kPart = 512;
    float part[kPart];
    for (std::size_t k = 0; k < args.count; k += kPart) {
        const std::size_t count = args.count - k < kPart ? args.count - k : kPart;
        widen({args.input + k, part, count});
        activate({part, part, count, args.activation, args.parameter});
        narrow({part, args.output + k, count});
    }
}

}  // namespace
}  // namespace fovea::ops
