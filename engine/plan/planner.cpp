// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/planner.h"

#include <algorithm>

#include "engine/plan/layout.h"
#include "engine/plan/element_types.h"
#include "engine/plan/step_builder.h"
#include "engine/plan/segments.h"

namespace fovea {

fovea_status make_plan(const Graph& graph, const PlanRequest& request, const Log& log, Plan* plan) {
    const Allocator& allocator = plan->values.allocator();
    Buffer<Shape> shapes(allocator);
    fovea_status status = infer_shapes(graph, request.height, request.width,
                                             FOVEA_ERROR_INPUT_SIZE, log, &shapes);
    if (status != FOVEA_OK) return status;
    Buffer<ElementType> types(allocator);
    if (!types.allocate(graph.value_count())) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the plan");
    }
    choose_element_types(graph, shapes, request.arithmetic, plan, &types);
    plan->threads = request.threads;
    plan->zero_floats = Program::kOneCount;  // the offsets that go with the ones
    for (const Node& node : graph.nodes) {
        if (node.bias == kNone) plan->zero_floats = std::max(plan->zero_floats, bias_floats(node));
        if (request.backward == nullptr) continue;  // whose layers have no bias, and an output for each input channel
        plan->zero_floats = std::max(plan->zero_floats, round_up_8(shapes[graph.operand(node, 0)].channels));
    }
    plan->zero_floats = round_up_to_line(plan->zero_floats);
    plan->constant_floats = plan->zero_floats + round_up_to_line(Program::kOneCount);
    StepBuilder steps(graph, request, allocator, plan);
    status = steps.build(shapes, types) ? FOVEA_OK : FOVEA_ERROR_OUT_OF_MEMORY;
    SegmentBuilder segments(graph, request, allocator, plan);
    if (status == FOVEA_OK) status = segments.build();
    if (status == FOVEA_OK) status = lay_out(graph, allocator, request.cancel, plan);
    if (status == FOVEA_ERROR_CANCELLED) return log.fail(status, "planning was cancelled");
    if (status != FOVEA_OK) return log.fail(status, "out of memory for the plan");
    for (std::size_t i = 0; i < plan->step_count; ++i) {
        plan->multiply_adds += plan->steps[i].multiply_adds;
    }
    return FOVEA_OK;
}

}  // namespace fovea
