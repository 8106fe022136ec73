// SPDX-License-Identifier: Apache-2.0
#include "engine/plan_steps.h"

#include <algorithm>

#include "engine/plan_elements.h"

namespace fovea {
namespace {

constexpr std::uint64_t kWorkPerElement = 4;

ops::PoolKind pool_kind(const Node& node) {
    return node.variant == 1 ? ops::PoolKind::kMax : ops::PoolKind::kAverage;
}

// The kernels take a bias in panels of 8 per group, the file has it without gaps.
bool bias_needs_spreading(const Node& node) {
    return node.kind == NodeKind::kConvolution && node.groups > 1 &&
           (node.output_channels / node.groups) % 8 != 0;
}

}  // namespace

std::uint64_t round_up_8(std::uint64_t n) {
    return (n + 7) & ~std::uint64_t{7};
}

std::uint64_t bias_floats(const Node& node) {
    const std::uint64_t groups = std::max(node.groups, 1u);
    return groups * round_up_8(node.output_channels / groups);
}

std::uint64_t round_up_to_line(std::uint64_t floats) {
    return align_up(floats * sizeof(float)) / sizeof(float);
}

std::uint64_t step_work(const Step& step) {
    const std::uint64_t elements = std::max(step.output_shape.count(), step.input_shape.count());
    return std::max(elements * kWorkPerElement, step.multiply_adds);
}

std::uint64_t worthwhile_threads(const PlanRequest& request, std::uint64_t work) {
    return std::clamp<std::uint64_t>(work / request.work_per_thread, 1, request.threads);
}

bool is_pointwise_node(const Node& node) {
    if (node.kind != NodeKind::kConvolution || node.groups != 1 || node.kernel_height != 1 ||
        node.kernel_width != 1 || node.stride_y != 1 || node.stride_x != 1) {
        return false;
    }
    const Padding& p = node.padding;  // zero in "same" mode, which adds none to a 1 x 1 window
    return p.top == 0 && p.left == 0 && p.bottom == 0 && p.right == 0;
}

bool is_global_pool_node(const Node& node, const Shape& map) {
    if (node.kind == NodeKind::kGlobalPool) return true;
    if (node.kind != NodeKind::kPool || node.kernel_height != map.height ||
        node.kernel_width != map.width) {
        return false;
    }
    const Padding padding = resolve_padding(node, map);
    return padding.top == 0 && padding.left == 0 && padding.bottom == 0 && padding.right == 0;
}

bool StepBuilder::build(const Buffer<Shape>& shapes) {
    const std::uint32_t values = graph_.value_count();
    const std::uint32_t nodes = graph_.node_count();
    std::size_t operand_count = 1;
    for (const Node& node : graph_.nodes) operand_count += node.operand_count + 2;
    // A node gives at most three steps: itself, a global pool's rows, an activation that no kernel
    // fuses. The rows of each global pool are a value more.
    const std::size_t step_count = 3 * std::size_t{nodes} + 1;
    if (!plan_.shapes.allocate(shapes.size() + count_row_pools(shapes)) ||
        !plan_.element_bytes.allocate(plan_.shapes.size()) || !uses_.allocate(values) ||
        !consumers_.allocate(values) || !gated_by_.allocate(nodes) ||
        !pooled_by_.allocate(values) || !row_pools_.allocate(nodes) ||
        !absorbed_.allocate(nodes) || !root_.allocate(plan_.shapes.size()) ||
        !plan_.steps.allocate(step_count) || !plan_.operands.allocate(operand_count)) {
        return false;
    }
    std::copy(shapes.begin(), shapes.end(), plan_.shapes.begin());
    choose_elements(graph_, shapes, request_.arithmetic, &plan_, &plan_.element_bytes);
    list_row_pools();
    choose_gates();
    count_uses();
    choose_fusions();
    emit_steps();
    return true;
}

Step& StepBuilder::emit(StepKind kind, std::uint32_t node, std::uint32_t output,
                        const char* kernel) {
    Step& step = plan_.steps[plan_.step_count++];
    step = {};
    step.kind = kind;
    step.node = node;
    step.kernel = kernel;
    step.first_operand = static_cast<std::uint32_t>(operand_total_);
    step.residual = kNone;
    step.gate = kNone;
    step.scratch_block = kNone;
    step.overwrites = kNone;
    step.output = output;
    step.output_shape = shape(output);
    step.rows.height = step.output_shape.height;
    step.granule = 1;
    step.threads = 1;
    return step;
}

void StepBuilder::read(Step& step, std::uint32_t value) {
    plan_.operands[operand_total_++] = value;
    if (step.operand_count++ != 0) return;
    step.input_shape = shape(value);
    step.half = plan_.is_half(value);
}

void StepBuilder::set_constants(Step& step, const Node& node) {
    const Tensor& weights = graph_.tensors[node.weights];
    if (weights.type == ElementType::kF16) {
        step.half_weights = weights.halves();
    } else {
        step.weights = weights.floats();
    }
    step.weight_bytes = weights.size;
    if (weights.packing == Packing::kConvPanels) {
        const std::uint32_t* d = weights.dimensions;
        step.groups = std::max(node.groups, 1u);
        step.group_panels = round_up_8(node.output_channels / step.groups) / 8;
        step.panel_floats = std::uint64_t{d[0]} * d[1] * d[2] * 8;
    }
    if (node.bias == kNone) return;  // the zeros
    const Tensor& bias = graph_.tensors[node.bias];
    const bool narrowed = step.half && weights.packing != Packing::kVector;
    if (!narrowed && !bias_needs_spreading(node)) {
        step.bias = bias.floats();
        return;
    }
    step.file_bias = bias.floats();
    step.bias_channels = bias.dimensions[0];
    step.bias_constant = plan_.constant_floats;
    const std::uint64_t floats =
        bias_floats(node) * (narrowed ? sizeof(ops::Half) : sizeof(float)) / sizeof(float);
    plan_.constant_floats += round_up_to_line(floats);
}

void StepBuilder::set_units(Step& step) const {
    const Shape& out = step.output_shape;
    switch (step.kind) {
        case StepKind::kConv2d:
        case StepKind::kDepthwise:
        case StepKind::kPool:
        case StepKind::kRowPool:
        case StepKind::kPad:
            step.unit = StepUnit::kRow;
            step.unit_count = out.height;
            break;
        case StepKind::kDense:
            step.unit = StepUnit::kPanel;
            step.unit_count = (out.channels + std::uint64_t{7}) / 8;
            break;
        case StepKind::kGlobalPool:
        case StepKind::kWiden:
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
    const std::uint64_t parts = (step.unit_count + step.granule - 1) / step.granule;
    step.threads =
        static_cast<std::uint32_t>(std::min(worthwhile_threads(request_, step_work(step)), parts));
}

const char* StepBuilder::dense_kernel(const Node& node) const {
    return graph_.tensors[node.weights].type == ElementType::kF16
               ? plan_.kernels.dense_halves.name
               : plan_.kernels.dense.name;
}

void StepBuilder::emit_activation(std::uint32_t index, std::uint32_t value,
                                  ops::Activation activation, float parameter) {
    Step& step = emit(StepKind::kActivation, index, index + 1,
                      kernel_for(value, [](const auto& maps) { return maps.activation; }));
    read(step, value);
    step.activation = activation;
    step.activation_parameter = parameter;
    set_units(step);
}

void StepBuilder::emit_window(StepKind kind, std::uint32_t index, const Node& node,
                              const char* kernel) {
    Step& step = emit(kind, index, index + 1, kernel);
    read(step, graph_.operand(node, 0));
    step.padding = resolve_padding(node, step.input_shape);
    step.rows = {node.stride_y, step.padding.top,
                 std::uint64_t{node.kernel_height - 1} * std::max(node.dilation_y, 1u) + 1,
                 step.input_shape.height};
    if (kind != StepKind::kPool) {
        set_constants(step, node);
        if (ops::is_fusable(node.activation)) step.activation = node.activation;
    }
    step.multiply_adds = multiply_adds(graph_, node, step.output_shape);
    plan_.row_pointers = std::max<std::uint64_t>(plan_.row_pointers, node.kernel_height);
    set_units(step);
}

void StepBuilder::emit_convolution(std::uint32_t index, const Node& node) {
    if (!is_pointwise_node(node)) {
        emit_window(StepKind::kConv2d, index, node,
                    kernel_for(index + 1, [](const auto& maps) { return maps.conv2d; }));
        read_pixels(plan_.steps[plan_.step_count - 1], node);
        return;
    }
    const bool vector = shape(index + 1).is_vector() && !plan_.is_half(index + 1);
    Step& step = emit(
        vector ? StepKind::kDense : StepKind::kPointwise, index, index + 1,
        vector ? dense_kernel(node)
               : kernel_for(index + 1, [](const auto& maps) { return maps.pointwise; }));
    read_convolution_input(step, index);
    read_gate(step, index);
    set_constants(step, node);
    if (!vector && ops::is_fusable(node.activation)) step.activation = node.activation;
    step.multiply_adds = multiply_adds(graph_, node, step.output_shape);
    set_units(step);
}

// Lets a convolution that reads the network's input, rescaled or not, read the caller's pixels.
void StepBuilder::read_pixels(Step& step, const Node& convolution) {
    const std::uint32_t rescaling = absorbable_rescaling(convolution);
    if (rescaling != kNone) {
        const Node& node = graph_.nodes[rescaling];
        step.scale = graph_.tensors[node.weights].floats();
        step.offset = graph_.tensors[node.bias].floats();
        plan_.operands[step.first_operand] = 0;
    } else if (plan_.operands[step.first_operand] != 0 || input_as_floats_) {
        return;
    }
    step.reads_caller_input = true;
    step.kernel = kernel_for(step.output, [](const auto& maps) { return maps.conv2d_u8; });
}

void StepBuilder::emit_plain(StepKind kind, std::uint32_t index, const Node& node,
                             const char* kernel) {
    Step& step = emit(kind, index, index + 1, kernel);
    for (std::uint32_t i = 0; i < node.operand_count; ++i) read(step, graph_.operand(node, i));
    if (node.weights != kNone) set_constants(step, node);
    step.reads_caller_input = kind == StepKind::kAffine && graph_.operand(node, 0) == 0;
    if (step.reads_caller_input) {
        step.kernel = kernel_for(index + 1, [](const auto& maps) { return maps.affine_u8; });
    }
    step.padding = node.padding;
    if (kind == StepKind::kPad) step.rows = {1, node.padding.top, 1, step.input_shape.height};
    step.multiply_adds = multiply_adds(graph_, node, step.output_shape);
    set_units(step);
}

// What the convolution convolves: the map before the gate that its weights take over.
void StepBuilder::read_convolution_input(Step& step, std::uint32_t index) {
    const std::uint32_t product = gated_by_[index];
    read(step, graph_.operand(graph_.nodes[product != kNone ? product : index], 0));
}

void StepBuilder::read_gate(Step& step, std::uint32_t index) {
    if (gated_by_[index] == kNone) return;
    step.gate = graph_.operand(graph_.nodes[gated_by_[index]], 1);
    read(step, step.gate);
}

// The rows of what every global pool of the map needs, right after the map.
void StepBuilder::emit_row_pools(std::uint32_t value) {
    for (std::uint32_t i = pooled_by_[value]; i != kNone; i = row_pools_[i].next) {
        if (uses_[i + 1] == 0) continue;
        Step& step =
            emit(StepKind::kRowPool, i, row_pools_[i].rows,
                 kernel_for(value, [](const auto& maps) { return maps.global_pool; }));
        read(step, value);
        step.pool = pool_kind(graph_.nodes[i]);
        set_units(step);
    }
}

// A reshape that cannot be a view, because vectors are floats.
void StepBuilder::emit_widening(std::uint32_t index) {
    Step& step = emit(StepKind::kWiden, index, index + 1, plan_.kernels.widen.name);
    read(step, graph_.operand(graph_.nodes[index], 0));
    set_units(step);
}

void StepBuilder::emit_global_pool(std::uint32_t index, const Node& node) {
    const std::uint32_t rows = row_pools_[index].rows;
    const std::uint32_t input = rows != kNone ? rows : graph_.operand(node, 0);
    Step& step = emit(StepKind::kGlobalPool, index, index + 1,
                      kernel_for(input, [](const auto& maps) { return maps.global_pool; }));
    read(step, input);
    step.pool = pool_kind(node);
    set_units(step);
}

void StepBuilder::emit_node(std::uint32_t index) {
    const Node& node = graph_.nodes[index];
    const Kernels& kernels = plan_.kernels;
    const char* const binary =
        plan_.is_half(index + 1) ? kernels.binary_halves.name : kernels.binary.name;
    switch (node.kind) {
        case NodeKind::kConvolution:
            emit_convolution(index, node);
            break;
        case NodeKind::kDepthwise:
            emit_window(StepKind::kDepthwise, index, node,
                        kernel_for(index + 1, [](const auto& maps) { return maps.depthwise; }));
            break;
        case NodeKind::kPool:
            if (is_global_pool_node(node, shape(graph_.operand(node, 0)))) {
                emit_global_pool(index, node);
            } else {
                emit_window(StepKind::kPool, index, node,
                            kernel_for(index + 1, [](const auto& maps) { return maps.pool; }));
                plan_.steps[plan_.step_count - 1].pool = pool_kind(node);
            }
            break;
        case NodeKind::kDense:
            emit_plain(StepKind::kDense, index, node, dense_kernel(node));
            break;
        case NodeKind::kGlobalPool:
            emit_global_pool(index, node);
            break;
        case NodeKind::kChannelReduce:
            emit_plain(
                StepKind::kChannelReduce, index, node,
                kernel_for(index + 1, [](const auto& maps) { return maps.channel_reduce; }));
            break;
        case NodeKind::kConcat:
            emit_plain(StepKind::kConcat, index, node, "copy");
            break;
        case NodeKind::kAdd: {
            const std::uint32_t value = absorbable_operand(node);
            if (value == kNone) {
                emit_plain(StepKind::kBinary, index, node, binary);
                break;
            }
            const Node& convolution = graph_.nodes[value - 1];
            Step& step = emit(StepKind::kPointwise, index, index + 1,
                              kernel_for(index + 1, [](const auto& maps) { return maps.pointwise; }));
            read_convolution_input(step, value - 1);
            const std::uint32_t left = graph_.operand(node, 0);
            step.residual = left == value ? graph_.operand(node, 1) : left;
            read(step, step.residual);
            read_gate(step, value - 1);
            set_constants(step, convolution);
            step.activation = node.activation;
            step.multiply_adds = multiply_adds(graph_, convolution, step.output_shape);
            set_units(step);
            return;
        }
        case NodeKind::kMultiply:
            emit_plain(StepKind::kBinary, index, node, binary);
            break;
        case NodeKind::kAffine:
            emit_plain(StepKind::kAffine, index, node,
                       kernel_for(index + 1, [](const auto& maps) { return maps.affine; }));
            break;
        case NodeKind::kSoftmax:
            emit_plain(StepKind::kSoftmax, index, node, "softmax_fp32");
            break;
        case NodeKind::kPad:
            emit_plain(StepKind::kPad, index, node, "copy");
            break;
        case NodeKind::kActivation:
            emit_activation(index, graph_.operand(node, 0), node.activation,
                            node.activation_parameter);
            return;
        case NodeKind::kReshape:
            emit_widening(index);
            break;
    }
    const Step* last = plan_.step_count == 0 ? nullptr : &plan_.steps[plan_.step_count - 1];
    const bool fused =
        last != nullptr && last->output == index + 1 && last->activation == node.activation;
    if (node.activation != ops::Activation::kNone && !fused) {
        emit_activation(index, index + 1, node.activation, node.activation_parameter);
    }
}

void StepBuilder::emit_steps() {
    for (std::uint32_t value = 0; value < plan_.value_count(); ++value) root_[value] = value;
    if (input_as_floats_) {
        Step& step = emit(StepKind::kInput, kNone, 0,
                          kernel_for(0, [](const auto& maps) { return maps.affine_u8; }));
        step.input_shape = step.output_shape;
        step.half = plan_.is_half(0);
        set_units(step);
        emit_row_pools(0);
    }
    for (std::uint32_t i = 0; i < graph_.node_count(); ++i) {
        if (uses_[i + 1] == 0 || absorbed_[i] != 0) continue;
        const Node& node = graph_.nodes[i];
        const bool is_view =
            node.kind == NodeKind::kReshape && !plan_.is_half(graph_.operand(node, 0));
        // An activated reshape writes its own storage only if nothing else may see the change.
        if (is_view && node.activation == ops::Activation::kNone) {
            root_[i + 1] = root_[graph_.operand(node, 0)];
        } else if (is_view) {
            emit_activation(i, graph_.operand(node, 0), node.activation, node.activation_parameter);
        } else {
            emit_node(i);
            emit_row_pools(i + 1);
        }
    }
}

}  // namespace fovea
