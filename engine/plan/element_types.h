// SPDX-License-Identifier: Apache-2.0
// The start of planning: the type of every value's elements.
#pragma once

#include "engine/plan/plan.h"

namespace fovea {

// Decides it and fills plan.map_type, arithmetic and float_because_of. types receives, by value of
// the graph, the type of its elements; it has the room.
void choose_element_types(const Graph& graph, const Buffer<Shape>& shapes, Arithmetic wanted, Plan* plan,
                          Buffer<ElementType>* types);

}  // namespace fovea
