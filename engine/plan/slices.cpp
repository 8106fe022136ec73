// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/slices.h"

#include <algorithm>

#include "engine/plan/segment_measures.h"

namespace fovea {
namespace {

// What is known of a value.
struct Uses {
    bool packed;   // must lie as if it were alone: a step minds no distances, the caller sees it, or it has views of another shape
    bool changed;  // where it lies, or what it is a slice of
    bool read;     // by a step that makes another value
    bool shared;   // read so more than once
};

void note_uses(const Graph& graph, const PlanRequest& request, const Plan& plan, Buffer<Uses>* uses) {
    std::fill(uses->begin(), uses->end(), Uses());
    for (std::size_t s = 0; s < plan.step_count; ++s) {
        const Step& step = plan.steps[s];
        const bool in_place = is_in_place(plan, step);
        if (in_place) (*uses)[step.output].changed = true;
        if (!step.strides) (*uses)[step.output].packed = true;
        for (std::uint32_t i = 0; i < step.operand_count; ++i) {
            Uses& operand = (*uses)[plan.operand(step, i)];
            if (!step.strides) operand.packed = true;
            operand.shared = operand.shared || (operand.read && !in_place);
            operand.read = operand.read || !in_place;
        }
    }
    const auto pack = [&](std::uint32_t value) { (*uses)[value].packed = true; };
    for (std::uint32_t value = 0; value < plan.value_count(); ++value) {
        if (plan.root(value) != value) pack(plan.root(value));
    }
    pack(graph.logits);
    pack(graph.probabilities);
    for (std::size_t i = 0; i < request.kept_count; ++i) pack(request.kept[i]);
}

}  // namespace

bool place_slices(const Graph& graph, const PlanRequest& request, const Allocator& allocator, Plan* plan, fovea_status* status) {
    Buffer<Uses> uses(allocator);
    if (!uses.allocate(plan->value_count())) {
        *status = FOVEA_ERROR_OUT_OF_MEMORY;
        return false;
    }
    note_uses(graph, request, *plan, &uses);
    bool any = false;
    // From the last, so that what is joined to something wider is a slice of that before its own parts become slices of it.
    for (std::size_t s = plan->step_count; s-- > 0;) {
        Step& step = plan->steps[s];
        if (!step.joins) continue;
        const Value& whole = plan->values[step.output];
        const bool changed = uses[step.output].changed;
        std::uint32_t channel = whole.channel, copied = 0;
        for (std::uint32_t i = 0; i < step.operand_count; ++i) {
            const std::uint32_t index = plan->operand(step, i);
            Value& part = plan->values[index];
            const bool harmless = !changed || !uses[index].shared;  // nobody else would read what it is changed to
            if (harmless && !uses[index].packed && part.root == index && part.shape.channels < whole.shape.channels) {
                part.root = whole.root;
                part.channel = channel;
                part.pixel_stride = whole.pixel_stride;
                uses[index].changed = uses[index].changed || changed;
                any = true;
            } else {
                ++copied;
            }
            channel += part.shape.channels;
        }
        if (copied != 0) continue;
        step.kernel = "none";  // left to do
        step.threads = 1;
    }
    return any;
}

}  // namespace fovea
