// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/layout.h"

#include <algorithm>

#include "engine/align.h"

namespace fovea {
namespace {

struct Layout {
    Plan& plan;

    std::uint32_t segment_of(std::uint32_t step) const;
    std::uint32_t add_block(std::uint64_t bytes, std::uint32_t first, std::uint32_t last);
    void assign_blocks();
    void assign_scratch(std::uint32_t segment);
    void set_places();
};

// segment_count for what outlives the run.
std::uint32_t Layout::segment_of(std::uint32_t step) const {
    if (step >= plan.step_count) return static_cast<std::uint32_t>(plan.segment_count);
    const Segment* const next =
        std::upper_bound(plan.segments.begin(), plan.segments.begin() + plan.segment_count, step,
                         [](std::uint32_t s, const Segment& segment) { return s < segment.first_step; });
    return static_cast<std::uint32_t>(next - plan.segments.begin()) - 1;
}

std::uint32_t Layout::add_block(std::uint64_t bytes, std::uint32_t first, std::uint32_t last) {
    plan.blocks[plan.block_count] = {bytes, first, last, 0};
    return static_cast<std::uint32_t>(plan.block_count++);
}

// The steps of a segment take turns, so that everything in it is needed at the same time.
void Layout::assign_blocks() {
    for (std::uint32_t g = 0; g < plan.segment_count; ++g) {
        const Segment& segment = plan.segments[g];
        for (std::uint32_t s = segment.first_step; s < segment.first_step + segment.step_count; ++s) {
            const Step& step = plan.steps[s];
            Value& out = plan.values[plan.root(step.output)];
            if (out.block != kNone) continue;  // activated where it lies, or a slice beside others
            const std::uint32_t last = segment_of(out.last_use);
            if (step.overwrites != kNone) {
                out.block = plan.values[step.overwrites].block;
                plan.blocks[out.block].last = last;
            } else {
                const std::uint64_t bytes = out.ring_rows != 0 ? segment.threads * out.thread_bytes : out.bytes();
                out.block = add_block(bytes, g, last);
            }
        }
        assign_scratch(g);
    }
}

// One block for all steps of a segment, which take turns.
void Layout::assign_scratch(std::uint32_t g) {
    const Segment& segment = plan.segments[g];
    Step* const steps = &plan.steps[segment.first_step];
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < segment.step_count; ++i) bytes = std::max(bytes, steps[i].scratch_bytes);
    if (bytes == 0) return;
    bytes = align_up(bytes);
    const std::uint32_t block = add_block(segment.threads * bytes, g, g);
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        steps[i].scratch_block = block;
        steps[i].scratch_bytes = bytes;
    }
}

void Layout::set_places() {
    for (Value& value : plan.values) {
        const Value& root = plan.values[value.root];
        value.block = root.block;
        value.ring_rows = root.ring_rows;
        value.thread_bytes = root.thread_bytes;
        if (value.block == kNone) continue;
        value.offset = plan.blocks[value.block].offset + std::uint64_t{value.channel} * element_bytes(value.type);
    }
    for (std::size_t s = 0; s < plan.step_count; ++s) {
        Step& step = plan.steps[s];
        if (step.scratch_block != kNone) step.scratch_offset = plan.blocks[step.scratch_block].offset;
    }
}

std::uint64_t constant_bytes(const Plan& plan) {
    return align_up(plan.constant_floats * sizeof(float));
}

std::uint64_t row_pointer_bytes(const Plan& plan) {
    return plan.threads * plan.row_pointers * sizeof(const void*);
}

// What outlives the run is read as floats.
void add_copies(const Graph& graph, Plan* plan) {
    plan->copy_bytes = 0;
    for (std::uint32_t i = 0; i < graph.value_count(); ++i) {
        Value& value = plan->values[i];
        value.copy = 0;
        if (value.type == ElementType::kF32 || value.block == kNone || value.is_slice()) continue;
        if (plan->values[value.root].last_use != plan->step_count) continue;
        value.copy = plan->copy_bytes;
        plan->copy_bytes += align_up(value.shape.count() * sizeof(float));
    }
}

}  // namespace

fovea_status lay_out(const Graph& graph, const Allocator& allocator, const Cancel& cancel, Plan* plan) {
    if (!plan->blocks.allocate(plan->value_count() + plan->segment_count)) return FOVEA_ERROR_OUT_OF_MEMORY;
    Layout layout{*plan};
    layout.assign_blocks();
    const fovea_status status = place_blocks(&plan->blocks, plan->block_count, allocator, cancel, &plan->arena_size);
    if (status != FOVEA_OK) return status;
    layout.set_places();
    add_copies(graph, plan);
    plan->row_pointers = align_up(plan->row_pointers * sizeof(const void*)) / sizeof(const void*);
    share_workspace(&plan, 1);
    return plan->workspace_size <= SIZE_MAX ? FOVEA_OK : FOVEA_ERROR_OUT_OF_MEMORY;
}

void share_workspace(Plan* const* plans, std::size_t count) {
    std::uint64_t constants = 0, size = 0;
    for (std::size_t i = 0; i < count; ++i) {
        plans[i]->constants_offset = constants;
        constants += constant_bytes(*plans[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        Plan& plan = *plans[i];
        plan.row_pointers_offset = constants;
        plan.arena_offset = constants + row_pointer_bytes(plan);
        size = std::max(size, plan.arena_offset + plan.arena_size + plan.copy_bytes);
    }
    for (std::size_t i = 0; i < count; ++i) plans[i]->workspace_size = size;
}

void write_constants(const Plan& plan, std::uint8_t* workspace) {
    write_constants(plan, reinterpret_cast<float*>(workspace + plan.constants_offset));
}

}  // namespace fovea
