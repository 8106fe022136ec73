// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/model/graph.h"
#include "engine/plan/plan.h"

namespace fovea {

// The plan as lines of text.
void print_plan(const Graph& graph, const Plan& plan, void (*write)(void* cookie, const char* line),
                void* cookie);

}  // namespace fovea
