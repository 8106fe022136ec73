// SPDX-License-Identifier: Apache-2.0
#include "engine/plan.h"

#include <algorithm>

#include "engine/plan_steps.h"

namespace fovea {
namespace {

// The second half of planning: how long each value is needed, and where it lies.
struct Layout {
    const Graph& graph;
    const PlanRequest& request;
    const Buffer<std::uint32_t>& root;
    Plan& plan;
    Buffer<std::uint32_t> last_use;  // by root: step

    const Shape& shape(std::uint32_t value) const { return plan.shapes[value]; }

    bool allocate();
    void find_last_uses();
    std::uint32_t overwritable(const Step& step, std::uint32_t index) const;
    void assign_blocks();
    bool lay_out(const Allocator& allocator);
};

bool Layout::allocate() {
    const std::uint32_t values = graph.value_count();
    return last_use.allocate(values) && plan.blocks.allocate(values) &&
           plan.block_of.allocate(values);
}

void Layout::find_last_uses() {
    std::fill(last_use.begin(), last_use.end(), 0u);
    for (std::uint32_t s = 0; s < plan.step_count; ++s) {
        const Step& step = plan.steps[s];
        for (std::uint32_t i = 0; i < step.operand_count; ++i) {
            last_use[root[plan.operands[step.first_operand + i]]] = s;
        }
        last_use[root[step.output]] = s;
    }
    const auto keep = [&](std::uint32_t value) {
        last_use[root[value]] = static_cast<std::uint32_t>(plan.step_count);
    };
    keep(graph.logits);
    keep(graph.probabilities);
    for (std::size_t i = 0; i < request.kept_count; ++i) keep(request.kept[i]);
}

// The value whose storage the step may write its result over, or kNone: one that the kernel's
// contract lets the output be equal to, that dies here, and that nothing else in the step reads.
std::uint32_t Layout::overwritable(const Step& step, std::uint32_t index) const {
    if (step.reads_caller_input || step.operand_count == 0) return kNone;
    const std::uint32_t first = root[plan.operands[step.first_operand]];
    std::uint32_t candidate = kNone;
    switch (step.kind) {
        case StepKind::kAffine:
        case StepKind::kActivation:
        case StepKind::kSoftmax:
            candidate = first;
            break;
        case StepKind::kBinary:
            if (root[plan.operands[step.first_operand + 1]] != first) candidate = first;
            break;
        case StepKind::kPointwise:
            if (step.residual != kNone && root[step.residual] != first) {
                candidate = root[step.residual];
            }
            break;
        default:
            break;
    }
    return candidate != kNone && last_use[candidate] == index ? candidate : kNone;
}

void Layout::assign_blocks() {
    std::fill(plan.block_of.begin(), plan.block_of.end(), kNone);
    for (std::uint32_t s = 0; s < plan.step_count; ++s) {
        const Step& step = plan.steps[s];
        const std::uint32_t out = step.output;
        if (plan.block_of[out] != kNone) continue;  // activated where it lies
        const std::uint32_t over = overwritable(step, s);
        if (over != kNone) {
            plan.block_of[out] = plan.block_of[over];
            plan.blocks[plan.block_of[out]].last = last_use[out];
        } else {
            plan.block_of[out] = static_cast<std::uint32_t>(plan.block_count);
            plan.blocks[plan.block_count++] = {shape(out).count() * sizeof(float), s, last_use[out],
                                               0};
        }
    }
    for (std::uint32_t value = 0; value < graph.value_count(); ++value) {
        plan.block_of[value] = plan.block_of[root[value]];
    }
}

bool Layout::lay_out(const Allocator& allocator) {
    if (!place_blocks(&plan.blocks, plan.block_count, allocator, &plan.arena_size)) return false;
    plan.row_pointers_offset = align_up(plan.constant_floats * sizeof(float));
    const std::uint64_t list_size = align_up(plan.row_pointers * sizeof(const float*));
    plan.row_pointers = list_size / sizeof(const float*);
    plan.arena_offset = plan.row_pointers_offset + plan.threads * list_size;
    plan.workspace_size = plan.arena_offset + plan.arena_size;
    return plan.workspace_size <= SIZE_MAX;
}

}  // namespace

Kernels::Kernels(ops::CpuFeatureSet features)
    : pointwise(ops::kPointwiseConvFp32.select(features)),
      conv2d(ops::kConv2dFp32.select(features)),
      depthwise(ops::kDepthwiseConvFp32.select(features)),
      dense(ops::kDenseFp32.select(features)),
      pool(ops::kPoolFp32.select(features)),
      global_pool(ops::kGlobalPoolFp32.select(features)),
      channel_reduce(ops::kChannelReduceFp32.select(features)),
      binary(ops::kBinaryFp32.select(features)),
      affine(ops::kAffineFp32.select(features)),
      affine_u8(ops::kAffineU8.select(features)),
      activation(ops::kActivationFp32.select(features)) {}

fovea_status make_plan(const Graph& graph, const PlanRequest& request, const Log& log, Plan* plan) {
    const fovea_status status = infer_shapes(graph, request.height, request.width,
                                             FOVEA_ERROR_INPUT_SIZE, log, &plan->shapes);
    if (status != FOVEA_OK) return status;
    const Allocator& allocator = plan->shapes.allocator();
    plan->threads = request.threads;
    plan->zero_floats = Plan::kOnes;  // the offsets that go with the ones
    for (const Node& node : graph.nodes) {
        if (node.bias == kNone) plan->zero_floats = std::max(plan->zero_floats, bias_floats(node));
    }
    plan->zero_floats = round_up_to_line(plan->zero_floats);
    plan->constant_floats = plan->zero_floats + round_up_to_line(Plan::kOnes);
    StepBuilder steps(graph, request, allocator, plan);
    if (!steps.build()) return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the plan");
    Layout layout{graph, request, steps.root(), *plan, Buffer<std::uint32_t>(allocator)};
    if (!layout.allocate()) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the plan");
    }
    layout.find_last_uses();
    layout.assign_blocks();
    if (!layout.lay_out(allocator)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the plan of the workspace");
    }
    for (std::size_t i = 0; i < plan->step_count; ++i) {
        plan->multiply_adds += plan->steps[i].multiply_adds;
    }
    return FOVEA_OK;
}

void write_constants(const Graph& graph, const Plan& plan, std::uint8_t* workspace) {
    auto* constants = reinterpret_cast<float*>(workspace);
    std::fill(constants, constants + plan.constant_floats, 0.0f);
    std::fill_n(constants + plan.zero_floats, Plan::kOnes, 1.0f);
    for (std::size_t s = 0; s < plan.step_count; ++s) {
        const Step& step = plan.steps[s];
        if (step.kind != StepKind::kConv2d || step.bias_constant == 0) continue;
        const Node& node = graph.nodes[step.node];
        const float* bias = graph.tensors[node.bias].floats();
        const std::uint32_t channels = node.output_channels / node.groups;
        float* spread = constants + step.bias_constant;
        for (std::uint32_t g = 0; g < node.groups; ++g) {
            std::copy_n(bias + std::size_t{g} * channels, channels,
                        spread + g * (bias_floats(node) / node.groups));
        }
    }
}

}  // namespace fovea
