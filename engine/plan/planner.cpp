// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/planner.h"

#include <algorithm>
#include <utility>

#include "engine/align.h"
#include "engine/plan/element_types.h"
#include "engine/plan/layout.h"
#include "engine/plan/segment_measures.h"
#include "engine/plan/segments.h"
#include "engine/plan/slices.h"
#include "engine/plan/step_builder.h"

namespace fovea {
namespace {

// slices: whether to look for them; then whether there are any.
fovea_status make_one(const Graph& graph, const PlanRequest& request, const Log& log, bool* slices, Plan* plan) {
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
    if (status == FOVEA_OK && *slices) *slices = place_slices(graph, request, allocator, plan, &status);
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

// What a segment needs more than the one before it, and how many slices are there.
struct Change {
    std::int64_t bytes = 0, slices = 0;
};

// Cuts and bands are chosen for a whole run of steps that can be streamed: behind the segment's. (One that begins where another ends
// counts with it.)
std::size_t end_of_run(const Plan& plan, std::size_t segment) {
    const auto streams = [&plan](std::size_t g) {
        const Step* const steps = &plan.steps[plan.segments[g].first_step];
        return std::all_of(steps, steps + plan.segments[g].step_count, is_streamable);
    };
    if (!streams(segment)) return segment + 1;
    while (segment < plan.segment_count && streams(segment)) ++segment;
    return segment;
}

// The most that is in use at once where no slice is in the whole run: the plan takes that with copies too.
bool find_peak_beside_slices(const Plan& plan, std::uint64_t* peak) {
    Buffer<Change> changes(plan.values.allocator());
    if (!changes.allocate(plan.segment_count + 2)) return false;  // the last block may outlive the last segment
    std::fill(changes.begin(), changes.end(), Change());
    const auto add = [&](const ArenaBlock& block, std::int64_t bytes, std::int64_t slices) {
        changes[block.first].bytes += bytes;
        changes[block.first].slices += slices;
        changes[block.last + 1].bytes -= bytes;
        changes[block.last + 1].slices -= slices;
    };
    for (std::size_t b = 0; b < plan.block_count; ++b) {
        add(plan.blocks[b], static_cast<std::int64_t>(align_up(plan.blocks[b].size)), 0);
    }
    for (const Value& value : plan.values) {
        if (value.is_slice() && value.block != kNone) add(plan.blocks[value.block], 0, 1);
    }
    Change now;
    *peak = 0;
    for (std::size_t g = 0; g < plan.segment_count;) {
        const std::size_t end = end_of_run(plan, g);
        bool any = false;
        std::int64_t most = 0;
        for (; g < end; ++g) {
            now = {now.bytes + changes[g].bytes, now.slices + changes[g].slices};
            any = any || now.slices != 0;
            most = std::max(most, now.bytes);
        }
        if (!any) *peak = std::max(*peak, static_cast<std::uint64_t>(most));
    }
    return true;
}

}  // namespace

// A wide value that lives as long as its longest slice may take more memory than copies of them do: then they are copied.
fovea_status make_plan(const Graph& graph, const PlanRequest& request, const Log& log, Plan* plan) {
    // A backward pass wants to read what it keeps as it likes.
    bool slices = request.slices && request.backward == nullptr;
    const fovea_status status = make_one(graph, request, log, &slices, plan);
    if (status != FOVEA_OK || !slices) return status;
    std::uint64_t peak = 0;
    if (!find_peak_beside_slices(*plan, &peak)) return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the plan");
    if (peak >= plan->arena_size) return FOVEA_OK;
    Plan copying(plan->values.allocator(), plan->features);
    slices = false;
    const fovea_status again = make_one(graph, request, log, &slices, &copying);
    if (again == FOVEA_OK && copying.workspace_size < plan->workspace_size) *plan = std::move(copying);
    return again;
}

}  // namespace fovea
