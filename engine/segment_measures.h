// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/plan.h"

namespace fovea {

inline bool is_in_place(const Plan& plan, const Step& step) {
    return step.operand_count == 1 && plan.operands[step.first_operand] == step.output;
}

// Bytes of one thread's rings.
inline std::uint64_t ring_bytes(const Plan& plan, const Segment& segment) {
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i + 1 < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        if (!is_in_place(plan, step)) bytes += plan.rings[step.output].thread_bytes;
    }
    return bytes;
}

}  // namespace fovea
