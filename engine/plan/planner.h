// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/log.h"
#include "engine/model/graph.h"
#include "engine/plan/plan.h"
#include "fovea/fovea.h"

namespace fovea {

// Plans a checked graph (see model/model_file.h). FOVEA_ERROR_INPUT_SIZE, with the layer's name in the
// log, when the network cannot run at that size; FOVEA_ERROR_CANCELLED.
fovea_status make_plan(const Graph& graph, const PlanRequest& request, const Log& log, Plan* plan);

}  // namespace fovea
