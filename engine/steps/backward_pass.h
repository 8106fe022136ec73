// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/steps/step_writer.h"

namespace fovea {

// Room that the steps of a backward pass need at the most.
struct BackwardBounds {
    std::size_t values, steps, operands;
};

// Which values a backward pass makes again when it needs them, so that they need not be kept.
struct Recomputation {
    std::uint64_t largest_kept;  // bytes; smaller maps cost less memory than time
    std::uint32_t most_blocks;   // in a row that may begin with a map that is made again
    std::uint32_t count;         // values that the forward pass makes
    std::uint32_t* made;         // by value: the one made again so far, or kNone
    std::uint8_t* distance;      // by value: how far it is from values that are kept; 0 = is kept itself
};

// What a plan does after the forward pass: how an objective of the logits changes with every value, back to the input. By pointers, so
// that what plans no backward pass links none of it.
struct BackwardPass {
    BackwardBounds (*bounds)(const Graph& graph);
    // Fills in what is made again, before any step is written.
    void (*choose)(const StepWriter& writer, const Recomputation& again);
    // Adds the steps, and fills the program's gradients, for which there is room as in `again`.
    void (*emit)(StepWriter& writer, const Recomputation& again, std::uint32_t* gradients);
};

extern const BackwardPass kBackwardPass;

}  // namespace fovea
