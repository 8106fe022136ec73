// SPDX-License-Identifier: Apache-2.0
// The last part of planning: where every value lies.
#pragma once

#include "engine/plan/plan.h"

namespace fovea {

// Gives every value of a plan whose segments are there its place, and the plan its size. As place_blocks().
[[nodiscard]] fovea_status lay_out(const Graph& graph, const Allocator& allocator, const Cancel& cancel, Plan* plan);

// Lets plans lie in one workspace, whose size each then has: each with constants of its own, everything else over one
// another, so that they may run in turns and what one kept is gone when another has run. A plan alone needs no call.
void share_workspace(Plan* const* plans, std::size_t count);

// Fills the plan's constants in its workspace; needed once before its first run there.
void write_constants(const Plan& plan, std::uint8_t* workspace);

}  // namespace fovea
