// SPDX-License-Identifier: Apache-2.0
// The start of planning: whether maps are floats or halves.
#pragma once

#include "engine/plan.h"

namespace fovea {

// Decides it and fills plan.half, arithmetic and float_because_of. elements receives, by value of
// the graph, the bytes of an element; it has the room.
void choose_elements(const Graph& graph, const Buffer<Shape>& shapes, Arithmetic wanted, Plan* plan,
                     Buffer<std::uint8_t>* elements);

}  // namespace fovea
