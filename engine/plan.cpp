// SPDX-License-Identifier: Apache-2.0
#include "engine/plan.h"

#include <algorithm>

#include "engine/plan_steps.h"
#include "engine/segments.h"
#include "engine/weight_parts.h"

namespace fovea {
namespace {

// The last part of planning: where every value lies.
struct Layout {
    const Graph& graph;
    const Buffer<std::uint32_t>& root;
    const Buffer<std::uint32_t>& last_use;  // by root: step
    Plan& plan;

    bool allocate();
    std::uint32_t segment_of(std::uint32_t step) const;
    std::uint64_t stored_bytes(const Segment& segment, std::uint32_t value) const;
    void assign_blocks();
    void assign_scratch(std::uint32_t segment);
    fovea_status lay_out(const Allocator& allocator, const Cancel& cancel);
    void add_copies();
};

bool Layout::allocate() {
    const std::uint32_t values = plan.value_count();
    return plan.blocks.allocate(values + plan.segment_count) && plan.block_of.allocate(values) &&
           plan.copies.allocate(graph.value_count());
}

// segment_count for what outlives the run.
std::uint32_t Layout::segment_of(std::uint32_t step) const {
    if (step >= plan.step_count) return static_cast<std::uint32_t>(plan.segment_count);
    const Segment* const next =
        std::upper_bound(plan.segments.begin(), plan.segments.begin() + plan.segment_count, step,
                         [](std::uint32_t s, const Segment& segment) { return s < segment.first_step; });
    return static_cast<std::uint32_t>(next - plan.segments.begin()) - 1;
}

std::uint64_t Layout::stored_bytes(const Segment& segment, std::uint32_t value) const {
    const Ring& ring = plan.rings[value];
    if (ring.rows != 0) return segment.threads * ring.thread_bytes;
    return plan.bytes(value);
}

// The steps of a segment take turns, so that everything in it is needed at the same time.
void Layout::assign_blocks() {
    std::fill(plan.block_of.begin(), plan.block_of.end(), kNone);
    for (std::uint32_t g = 0; g < plan.segment_count; ++g) {
        const Segment& segment = plan.segments[g];
        for (std::uint32_t s = segment.first_step; s < segment.first_step + segment.step_count;
             ++s) {
            const Step& step = plan.steps[s];
            const std::uint32_t out = step.output;
            if (plan.block_of[out] != kNone) continue;  // activated where it lies
            const std::uint32_t last = segment_of(last_use[out]);
            if (step.overwrites != kNone) {
                plan.block_of[out] = plan.block_of[step.overwrites];
                plan.blocks[plan.block_of[out]].last = last;
            } else {
                plan.block_of[out] = static_cast<std::uint32_t>(plan.block_count);
                plan.blocks[plan.block_count++] = {stored_bytes(segment, out), g, last, 0};
            }
        }
        assign_scratch(g);
    }
    for (std::uint32_t value = 0; value < plan.value_count(); ++value) {
        plan.block_of[value] = plan.block_of[root[value]];
    }
}

// One block for all steps of a segment, which take turns.
void Layout::assign_scratch(std::uint32_t g) {
    const Segment& segment = plan.segments[g];
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        bytes = std::max(bytes, scratch_bytes(plan.steps[segment.first_step + i]));
    }
    if (bytes == 0) return;
    bytes = align_up(bytes);
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        plan.steps[segment.first_step + i].scratch_block =
            static_cast<std::uint32_t>(plan.block_count);
        plan.steps[segment.first_step + i].scratch_bytes = bytes;
    }
    plan.blocks[plan.block_count++] = {segment.threads * bytes, g, g, 0};
}

// What outlives the run is read as floats.
void Layout::add_copies() {
    for (std::uint32_t value = 0; value < graph.value_count(); ++value) {
        plan.copies[value] = 0;
        if (!plan.is_half(value) || plan.block_of[value] == kNone) continue;
        if (last_use[root[value]] != plan.step_count) continue;
        plan.copies[value] = plan.workspace_size;
        plan.workspace_size += align_up(plan.shapes[value].count() * sizeof(float));
    }
}

fovea_status Layout::lay_out(const Allocator& allocator, const Cancel& cancel) {
    const fovea_status status =
        place_blocks(&plan.blocks, plan.block_count, allocator, cancel, &plan.arena_size);
    if (status != FOVEA_OK) return status;
    plan.row_pointers_offset = align_up(plan.constant_floats * sizeof(float));
    const std::uint64_t list_size = align_up(plan.row_pointers * sizeof(const float*));
    plan.row_pointers = list_size / sizeof(const float*);
    plan.arena_offset = plan.row_pointers_offset + plan.threads * list_size;
    plan.workspace_size = plan.arena_offset + plan.arena_size;
    add_copies();
    return plan.workspace_size <= SIZE_MAX ? FOVEA_OK : FOVEA_ERROR_OUT_OF_MEMORY;
}

}  // namespace

template <>
MapKernels<float>::MapKernels(ops::CpuFeatureSet features)
    : pointwise(ops::kPointwiseConvFp32.select(features)),
      conv2d(ops::kConv2dFp32.select(features)),
      conv2d_u8(ops::kConv2dU8.select(features)),
      depthwise(ops::kDepthwiseConvFp32.select(features)),
      pool(ops::kPoolFp32.select(features)),
      global_pool(ops::kGlobalPoolFp32.select(features)),
      gate(ops::kGateFp32.select(features)),
      channel_reduce(ops::kChannelReduceFp32.select(features)),
      affine(ops::kAffineFp32.select(features)),
      affine_floats(affine),
      affine_u8(ops::kAffineU8.select(features)),
      activation(ops::kActivationFp32.select(features)) {}

template <>
MapKernels<ops::Half>::MapKernels(ops::CpuFeatureSet features)
    : pointwise(ops::kPointwiseConvFp16.select(features)),
      conv2d(ops::kConv2dFp16.select(features)),
      conv2d_u8(ops::kConv2dU8Fp16.select(features)),
      depthwise(ops::kDepthwiseConvFp16.select(features)),
      pool(ops::kPoolFp16.select(features)),
      global_pool(ops::kGlobalPoolFp16.select(features)),
      gate(ops::kGateFp16.select(features)),
      channel_reduce(ops::kChannelReduceFp16.select(features)),
      affine(ops::kAffineFp16.select(features)),
      affine_floats(ops::kAffineFp32Fp16.select(features)),
      affine_u8(ops::kAffineU8Fp16.select(features)),
      activation(ops::kActivationFp16.select(features)) {}

Kernels::Kernels(ops::CpuFeatureSet features)
    : floats(features),
      halves(features),
      binary(ops::kBinaryFp32.select(features)),
      binary_halves(ops::kBinaryFp16.select(features)),
      dense(ops::kDenseFp32.select(features)),
      dense_halves(ops::kDenseFp16.select(features)),
      widen(ops::kWidenFp16.select(features)),
      narrow(ops::kNarrowFp16.select(features)) {}

fovea_status make_plan(const Graph& graph, const PlanRequest& request, const Log& log, Plan* plan) {
    const Allocator& allocator = plan->shapes.allocator();
    Buffer<Shape> shapes(allocator);
    fovea_status status = infer_shapes(graph, request.height, request.width,
                                             FOVEA_ERROR_INPUT_SIZE, log, &shapes);
    if (status != FOVEA_OK) return status;
    plan->threads = request.threads;
    plan->zero_floats = Plan::kOnes;  // the offsets that go with the ones
    for (const Node& node : graph.nodes) {
        if (node.bias == kNone) plan->zero_floats = std::max(plan->zero_floats, bias_floats(node));
    }
    plan->zero_floats = round_up_to_line(plan->zero_floats);
    plan->constant_floats = plan->zero_floats + round_up_to_line(Plan::kOnes);
    StepBuilder steps(graph, request, allocator, plan);
    if (!steps.build(shapes)) return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the plan");
    SegmentBuilder segments(graph, request, steps.root(), allocator, plan);
    Layout layout{graph, steps.root(), segments.last_use(), *plan};
    status = segments.build();
    if (status == FOVEA_OK && !layout.allocate()) status = FOVEA_ERROR_OUT_OF_MEMORY;
    if (status == FOVEA_OK) {
        layout.assign_blocks();
        status = layout.lay_out(allocator, request.cancel);
    }
    if (status == FOVEA_ERROR_CANCELLED) return log.fail(status, "planning was cancelled");
    if (status != FOVEA_OK) return log.fail(status, "out of memory for the plan");
    for (std::size_t i = 0; i < plan->step_count; ++i) {
        plan->multiply_adds += plan->steps[i].multiply_adds;
    }
    return FOVEA_OK;
}

void write_constants(const Plan& plan, std::uint8_t* workspace) {
    auto* constants = reinterpret_cast<float*>(workspace);
    std::fill(constants, constants + plan.constant_floats, 0.0f);
    std::fill_n(constants + plan.zero_floats, Plan::kOnes, 1.0f);
    for (std::size_t s = 0; s < plan.step_count; ++s) {
        const Step& step = plan.steps[s];
        if (step.bias_constant == 0) continue;
        const std::uint32_t groups = std::max(step.groups, 1u);
        const std::size_t channels = step.bias_channels / groups;
        float* const spread = constants + step.bias_constant;
        for (std::uint32_t g = 0; g < groups; ++g) {
            const float* const from = step.file_bias + g * channels;
            const std::size_t to = g * round_up_8(channels);
            if (step.half) {
                plan.kernels.narrow.function({.input = from,
                                              .output = reinterpret_cast<ops::Half*>(spread) + to,
                                              .count = channels});
            } else {
                std::copy_n(from, channels, spread + to);
            }
        }
    }
}

}  // namespace fovea
