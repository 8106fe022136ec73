// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/steps/step_writer.h"

namespace fovea {

// Room that the steps of a backward pass need at the most.
struct BackwardBounds {
    std::size_t values, steps, operands;
};

// What a plan does after the forward pass: how an objective of the logits changes with every value, back to the input. By pointers, so
// that what plans no backward pass links none of it.
struct BackwardPass {
    BackwardBounds (*bounds)(const Graph& graph);
    // Adds the steps, and fills the program's gradients, for which there is room.
    void (*emit)(StepWriter& writer, std::uint32_t* gradients);
};

extern const BackwardPass kBackwardPass;

}  // namespace fovea
