// SPDX-License-Identifier: Apache-2.0
#include "engine/plan.h"

#include <algorithm>

namespace fovea {
namespace {

std::uint64_t round_up_8(std::uint64_t n) {
    return (n + 7) & ~std::uint64_t{7};
}

// Below this many multiply-adds (or elements, weighted) a thread's share does not pay for waking
// it.
constexpr std::uint64_t kWorkPerThread = 40000;
constexpr std::uint64_t kWorkPerElement = 4;

// The kernels take a bias in panels of 8 per group, the file has it without gaps.
bool bias_needs_spreading(const Node& node) {
    return node.kind == NodeKind::kConvolution && node.groups > 1 &&
           (node.output_channels / node.groups) % 8 != 0;
}

// Floats of a node's bias as its kernel wants it.
std::uint64_t bias_floats(const Node& node) {
    const std::uint64_t groups = std::max(node.groups, 1u);
    return groups * round_up_8(node.output_channels / groups);
}

std::uint64_t round_up_to_line(std::uint64_t floats) {
    return align_up(floats * sizeof(float)) / sizeof(float);
}

struct Planner {
    const Graph& graph;
    const PlanRequest& request;
    Plan& plan;

    Buffer<std::uint32_t> uses;      // by value: operand references, kept values count once more
    Buffer<std::uint32_t> absorbed;  // by node: 1 = its work is done by the add that uses it
    Buffer<std::uint32_t> root;      // by value: the value whose storage it views
    Buffer<std::uint32_t> last_use;  // by root: step
    std::size_t operand_total = 0;
    bool input_as_floats = false;

    Planner(const Graph& g, const PlanRequest& r, Plan& p, const Allocator& allocator)
        : graph(g),
          request(r),
          plan(p),
          uses(allocator),
          absorbed(allocator),
          root(allocator),
          last_use(allocator) {}

    const Shape& shape(std::uint32_t value) const { return plan.shapes[value]; }
    const Shape& input_shape(const Node& node) const { return shape(graph.operand(node, 0)); }

    bool allocate();
    void count_uses();
    bool is_pointwise(const Node& node) const;
    std::uint32_t absorbable_operand(const Node& add) const;
    void choose_fusions();
    void emit_steps();
    Step& emit(StepKind kind, std::uint32_t node, std::uint32_t output, const char* kernel);
    void read(Step& step, std::uint32_t value);
    void emit_node(std::uint32_t index);
    void emit_convolution(std::uint32_t index, const Node& node);
    void emit_window(StepKind kind, std::uint32_t index, const Node& node, const char* kernel);
    void emit_plain(StepKind kind, std::uint32_t index, const Node& node, const char* kernel);
    void emit_activation(std::uint32_t index, std::uint32_t value, ops::Activation activation,
                         float parameter);
    void set_constants(Step& step, const Node& node);
    void set_units(Step& step) const;
    void find_last_uses();
    std::uint32_t overwritable(const Step& step, std::uint32_t index) const;
    void assign_blocks();
    bool lay_out(const Allocator& allocator);
};

bool Planner::allocate() {
    const std::uint32_t values = graph.value_count();
    std::size_t operand_count = 1;
    for (const Node& node : graph.nodes) operand_count += node.operand_count + 1;
    // A node gives at most two steps: itself, and an activation that no kernel fuses.
    const std::size_t step_count = 2 * std::size_t{graph.node_count()} + 1;
    return uses.allocate(values) && absorbed.allocate(graph.node_count()) &&
           root.allocate(values) && last_use.allocate(values) && plan.steps.allocate(step_count) &&
           plan.operands.allocate(operand_count) && plan.blocks.allocate(values) &&
           plan.block_of.allocate(values);
}

// A value that nothing needs has 0 uses; its node makes no step.
void Planner::count_uses() {
    std::fill(uses.begin(), uses.end(), 0u);
    ++uses[graph.logits];
    ++uses[graph.probabilities];
    for (std::size_t i = 0; i < request.kept_count; ++i) ++uses[request.kept[i]];
    for (std::uint32_t index = graph.node_count(); index-- > 0;) {
        if (uses[index + 1] == 0) continue;
        const Node& node = graph.nodes[index];
        for (std::uint32_t i = 0; i < node.operand_count; ++i) {
            const std::uint32_t value = graph.operand(node, i);
            ++uses[value];
            if (value == 0 && node.kind != NodeKind::kAffine) input_as_floats = true;
        }
    }
}

// A convolution that is a matrix product over the pixels. A single pixel goes to the dense kernel.
bool Planner::is_pointwise(const Node& node) const {
    if (node.kind != NodeKind::kConvolution || node.groups != 1 || node.kernel_height != 1 ||
        node.kernel_width != 1 || node.stride_y != 1 || node.stride_x != 1) {
        return false;
    }
    const Padding& p = node.padding;  // zero in "same" mode, which adds none to a 1 x 1 window
    return p.top == 0 && p.left == 0 && p.bottom == 0 && p.right == 0;
}

// Which operand of an add a pointwise convolution can make on the fly, or kNone. The convolution
// then runs at the add's place, so the later of two candidates is taken: it moves less.
std::uint32_t Planner::absorbable_operand(const Node& add) const {
    const std::uint32_t left = graph.operand(add, 0);
    const std::uint32_t right = graph.operand(add, 1);
    if (left == right || !ops::is_fusable(add.activation) || shape(left) != shape(right)) {
        return kNone;
    }
    for (const std::uint32_t value : {std::max(left, right), std::min(left, right)}) {
        if (value == 0 || uses[value] != 1) continue;
        const Node& node = graph.nodes[value - 1];
        if (is_pointwise(node) && node.activation == ops::Activation::kNone &&
            !shape(value).is_vector()) {
            return value;
        }
    }
    return kNone;
}

void Planner::choose_fusions() {
    std::fill(absorbed.begin(), absorbed.end(), 0u);
    for (std::uint32_t i = 0; i < graph.node_count(); ++i) {
        if (uses[i + 1] == 0 || graph.nodes[i].kind != NodeKind::kAdd) continue;
        const std::uint32_t value = absorbable_operand(graph.nodes[i]);
        if (value != kNone) absorbed[value - 1] = 1;
    }
}

Step& Planner::emit(StepKind kind, std::uint32_t node, std::uint32_t output, const char* kernel) {
    Step& step = plan.steps[plan.step_count++];
    step = {};
    step.kind = kind;
    step.node = node;
    step.kernel = kernel;
    step.first_operand = static_cast<std::uint32_t>(operand_total);
    step.residual = kNone;
    step.output = output;
    step.output_shape = shape(output);
    step.granule = 1;
    step.threads = 1;
    return step;
}

void Planner::read(Step& step, std::uint32_t value) {
    plan.operands[operand_total++] = value;
    if (step.operand_count++ == 0) step.input_shape = shape(value);
}

void Planner::set_constants(Step& step, const Node& node) {
    step.weights = graph.tensors[node.weights].floats();
    if (node.bias != kNone && !bias_needs_spreading(node)) {
        step.bias = graph.tensors[node.bias].floats();
        return;
    }
    if (node.bias == kNone) return;  // the zeros
    step.bias_constant = plan.constant_floats;
    plan.constant_floats += round_up_to_line(bias_floats(node));
}

void Planner::set_units(Step& step) const {
    const Shape& out = step.output_shape;
    std::uint64_t work =
        std::max(step.output_shape.count(), step.input_shape.count()) * kWorkPerElement;
    switch (step.kind) {
        case StepKind::kConv2d:
        case StepKind::kDepthwise:
        case StepKind::kPool:
        case StepKind::kPad:
            step.unit = StepUnit::kRow;
            step.unit_count = out.height;
            break;
        case StepKind::kDense:
            step.unit = StepUnit::kPanel;
            step.unit_count = (out.channels + std::uint64_t{7}) / 8;
            break;
        case StepKind::kGlobalPool:
            step.unit = StepUnit::kChannel;
            step.unit_count = out.channels;
            step.granule = 8;
            break;
        case StepKind::kSoftmax:
            step.unit = StepUnit::kWhole;
            step.unit_count = 1;
            break;
        default:
            step.unit = StepUnit::kPixel;
            step.unit_count = out.pixels();
            step.granule = 8;
            break;
    }
    work = std::max(work, step.multiply_adds);
    const std::uint64_t worth = std::max<std::uint64_t>(work / kWorkPerThread, 1);
    const std::uint64_t parts = (step.unit_count + step.granule - 1) / step.granule;
    step.threads =
        static_cast<std::uint32_t>(std::min({worth, parts, std::uint64_t{request.threads}}));
}

void Planner::emit_activation(std::uint32_t index, std::uint32_t value, ops::Activation activation,
                              float parameter) {
    Step& step = emit(StepKind::kActivation, index, index + 1, plan.kernels.activation.name);
    read(step, value);
    step.activation = activation;
    step.activation_parameter = parameter;
    set_units(step);
}

void Planner::emit_window(StepKind kind, std::uint32_t index, const Node& node,
                          const char* kernel) {
    Step& step = emit(kind, index, index + 1, kernel);
    read(step, graph.operand(node, 0));
    step.padding = resolve_padding(node, step.input_shape);
    if (kind != StepKind::kPool) {
        set_constants(step, node);
        if (ops::is_fusable(node.activation)) step.activation = node.activation;
    }
    step.multiply_adds = multiply_adds(graph, node, step.output_shape);
    plan.row_pointers = std::max<std::uint64_t>(plan.row_pointers, node.kernel_height);
    set_units(step);
}

void Planner::emit_convolution(std::uint32_t index, const Node& node) {
    if (!is_pointwise(node)) {
        emit_window(StepKind::kConv2d, index, node, plan.kernels.conv2d.name);
        return;
    }
    const bool vector = shape(index + 1).is_vector();
    Step& step = emit(vector ? StepKind::kDense : StepKind::kPointwise, index, index + 1,
                      vector ? plan.kernels.dense.name : plan.kernels.pointwise.name);
    read(step, graph.operand(node, 0));
    set_constants(step, node);
    if (!vector && ops::is_fusable(node.activation)) step.activation = node.activation;
    step.multiply_adds = multiply_adds(graph, node, step.output_shape);
    set_units(step);
}

void Planner::emit_plain(StepKind kind, std::uint32_t index, const Node& node, const char* kernel) {
    Step& step = emit(kind, index, index + 1, kernel);
    for (std::uint32_t i = 0; i < node.operand_count; ++i) read(step, graph.operand(node, i));
    if (node.weights != kNone) set_constants(step, node);
    step.reads_caller_input = kind == StepKind::kAffine && graph.operand(node, 0) == 0;
    if (step.reads_caller_input) step.kernel = plan.kernels.affine_u8.name;
    step.padding = node.padding;
    step.multiply_adds = multiply_adds(graph, node, step.output_shape);
    set_units(step);
}

void Planner::emit_node(std::uint32_t index) {
    const Node& node = graph.nodes[index];
    const Kernels& kernels = plan.kernels;
    switch (node.kind) {
        case NodeKind::kConvolution:
            emit_convolution(index, node);
            break;
        case NodeKind::kDepthwise:
            emit_window(StepKind::kDepthwise, index, node, kernels.depthwise.name);
            break;
        case NodeKind::kPool:
            emit_window(StepKind::kPool, index, node, kernels.pool.name);
            break;
        case NodeKind::kDense:
            emit_plain(StepKind::kDense, index, node, kernels.dense.name);
            break;
        case NodeKind::kGlobalPool:
            emit_plain(StepKind::kGlobalPool, index, node, kernels.global_pool.name);
            break;
        case NodeKind::kChannelReduce:
            emit_plain(StepKind::kChannelReduce, index, node, kernels.channel_reduce.name);
            break;
        case NodeKind::kConcat:
            emit_plain(StepKind::kConcat, index, node, "copy");
            break;
        case NodeKind::kAdd: {
            const std::uint32_t value = absorbable_operand(node);
            if (value == kNone) {
                emit_plain(StepKind::kBinary, index, node, kernels.binary.name);
                break;
            }
            const Node& convolution = graph.nodes[value - 1];
            Step& step = emit(StepKind::kPointwise, index, index + 1, kernels.pointwise.name);
            read(step, graph.operand(convolution, 0));
            const std::uint32_t left = graph.operand(node, 0);
            step.residual = left == value ? graph.operand(node, 1) : left;
            read(step, step.residual);
            set_constants(step, convolution);
            step.activation = node.activation;
            step.multiply_adds = multiply_adds(graph, convolution, step.output_shape);
            set_units(step);
            return;
        }
        case NodeKind::kMultiply:
            emit_plain(StepKind::kBinary, index, node, kernels.binary.name);
            break;
        case NodeKind::kAffine:
            emit_plain(StepKind::kAffine, index, node, kernels.affine.name);
            break;
        case NodeKind::kSoftmax:
            emit_plain(StepKind::kSoftmax, index, node, "softmax_fp32");
            break;
        case NodeKind::kPad:
            emit_plain(StepKind::kPad, index, node, "copy");
            break;
        case NodeKind::kActivation:
            emit_activation(index, graph.operand(node, 0), node.activation,
                            node.activation_parameter);
            return;
        case NodeKind::kReshape:
            break;  // a view
    }
    const Step* last = plan.step_count == 0 ? nullptr : &plan.steps[plan.step_count - 1];
    const bool fused =
        last != nullptr && last->output == index + 1 && last->activation == node.activation;
    if (node.activation != ops::Activation::kNone && !fused) {
        emit_activation(index, index + 1, node.activation, node.activation_parameter);
    }
}

void Planner::emit_steps() {
    for (std::uint32_t value = 0; value < graph.value_count(); ++value) root[value] = value;
    if (input_as_floats) {
        Step& step = emit(StepKind::kInput, kNone, 0, plan.kernels.affine_u8.name);
        step.input_shape = step.output_shape;
        set_units(step);
    }
    for (std::uint32_t i = 0; i < graph.node_count(); ++i) {
        if (uses[i + 1] == 0 || absorbed[i] != 0) continue;
        const Node& node = graph.nodes[i];
        // An activated reshape writes its own storage only if nothing else may see the change.
        if (node.kind == NodeKind::kReshape && node.activation == ops::Activation::kNone) {
            root[i + 1] = root[graph.operand(node, 0)];
        } else if (node.kind == NodeKind::kReshape) {
            emit_activation(i, graph.operand(node, 0), node.activation, node.activation_parameter);
        } else {
            emit_node(i);
        }
    }
}

void Planner::find_last_uses() {
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
std::uint32_t Planner::overwritable(const Step& step, std::uint32_t index) const {
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

void Planner::assign_blocks() {
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

bool Planner::lay_out(const Allocator& allocator) {
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
    Planner planner(graph, request, *plan, allocator);
    if (!planner.allocate()) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the plan");
    }
    plan->threads = request.threads;
    plan->zero_floats = Plan::kOnes;  // the offsets that go with the ones
    for (const Node& node : graph.nodes) {
        if (node.bias == kNone) plan->zero_floats = std::max(plan->zero_floats, bias_floats(node));
    }
    plan->zero_floats = round_up_to_line(plan->zero_floats);
    plan->constant_floats = plan->zero_floats + round_up_to_line(Plan::kOnes);
    planner.count_uses();
    planner.choose_fusions();
    planner.emit_steps();
    planner.find_last_uses();
    planner.assign_blocks();
    if (!planner.lay_out(allocator)) {
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
                        spread + g * round_up_8(channels));
        }
    }
}

}  // namespace fovea
