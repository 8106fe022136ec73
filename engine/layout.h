// SPDX-License-Identifier: Apache-2.0
// The last part of planning: where every value lies.
#pragma once

#include "engine/plan.h"

namespace fovea {

// Gives every value of a plan whose segments are there its place, and the plan its size. As place_blocks().
[[nodiscard]] fovea_status lay_out(const Graph& graph, const Allocator& allocator, const Cancel& cancel, Plan* plan);

}  // namespace fovea
