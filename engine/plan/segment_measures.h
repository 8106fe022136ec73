// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/plan/plan.h"

namespace fovea {

inline bool is_in_place(const Plan& plan, const Step& step) {
    return step.operand_count == 1 && plan.operand(step, 0) == step.output;
}

// Whether the step may run band by band.
inline bool is_streamable(const Step& step) {
    return step.streams && step.output_shape.height > 1;
}

// Of one thread's ring; 0 of what is stored whole, and of a slice, whose ring is its root's.
inline std::uint64_t ring_bytes(const Value& value) {
    return value.ring_rows != 0 && !value.is_slice() ? value.thread_bytes : 0;
}

// Bytes of one thread's rings.
inline std::uint64_t ring_bytes(const Plan& plan, const Segment& segment) {
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i + 1 < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        if (!is_in_place(plan, step)) bytes += ring_bytes(plan.values[step.output]);
    }
    return bytes;
}

}  // namespace fovea
