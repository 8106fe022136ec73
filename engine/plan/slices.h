// SPDX-License-Identifier: Apache-2.0
// Concatenation without copies: the part of planning between steps and segments.
#pragma once

#include "engine/plan/plan.h"

namespace fovea {

// Makes slices of what the plan's steps join those of their operands that can be: everything that writes or reads them minds the
// distance from pixel to pixel, and nobody wants them packed. True if there are any; *status is FOVEA_ERROR_OUT_OF_MEMORY or stays
// as it is.
bool place_slices(const Graph& graph, const PlanRequest& request, const Allocator& allocator, Plan* plan, fovea_status* status);

}  // namespace fovea
