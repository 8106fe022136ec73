// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/step_builder.h"

#include <algorithm>

#include "engine/steps/operations.h"
#include "ops/activation_gradient/activation_gradient.h"

namespace fovea {

bool StepBuilder::build(const Buffer<Shape>& shapes, const Buffer<ElementType>& types) {
    const std::uint32_t values = graph_.value_count();
    const std::uint32_t nodes = graph_.node_count();
    std::size_t operand_count = 1;
    for (const Node& node : graph_.nodes) operand_count += node.operand_count + 2;
    // A node gives at most three steps: itself, a global pool's rows, an activation that no kernel
    // fuses. The rows of each global pool are a value more.
    std::size_t step_count = 3 * std::size_t{nodes} + 1;
    std::size_t value_count = values + count_row_pools(shapes);
    std::size_t constant_count = nodes;
    if (request_.backward != nullptr) {
        const BackwardBounds bounds = request_.backward->bounds(graph_);
        step_count += bounds.steps;
        operand_count += bounds.operands;
        value_count += nodes + bounds.values;
        constant_count *= 3;  // what is made again, at the most twice, reads its weights again
        const std::size_t forward_values = values + count_row_pools(shapes) + nodes;
        if (!plan_.gradients.allocate(values) || !made_again_.allocate(forward_values) || !distances_.allocate(forward_values)) {
            return false;
        }
    }
    if (!plan_.values.allocate(value_count) || !uses_.allocate(values) ||
        !consumers_.allocate(values) || !fusions_.allocate(nodes) || !pooled_by_.allocate(values) ||
        !next_pool_.allocate(nodes) || !plan_.steps.allocate(step_count) || !plan_.operands.allocate(operand_count) ||
        !plan_.constants.allocate(constant_count)) {
        return false;
    }
    std::fill(plan_.values.begin(), plan_.values.end(), Value());
    for (std::uint32_t value = 0; value < values; ++value) set_value(value, shapes[value], types[value]);
    plan_.value_total = values;
    std::fill(fusions_.begin(), fusions_.end(), Fusion());
    list_row_pools();
    if (request_.backward != nullptr) keep_what_derivatives_need();
    choose_gates();
    count_uses();
    choose_fusions();
    emit_steps();
    return true;
}

// Of an activation whose derivative its result does not tell, a value for what goes in, unless that is an operand.
void StepBuilder::keep_what_derivatives_need() {
    for (std::uint32_t i = 0; i < graph_.node_count(); ++i) {
        const Node& node = graph_.nodes[i];
        if (!ops::derivative_needs_input(node.activation, node.activation_parameter)) continue;
        if (node.kind == NodeKind::kActivation || is_view(node, i)) continue;
        set_value(plan_.value_total, shape(i + 1), plan_.values[i + 1].type);
        fusions_[i].before_activation = plan_.value_total++;
    }
}

bool StepBuilder::is_view(const Node& node, std::uint32_t index) const {
    return node.kind == NodeKind::kReshape && plan_.values[graph_.operand(node, 0)].type == plan_.values[index + 1].type;
}

void StepBuilder::set_value(std::uint32_t index, const Shape& shape, ElementType type) {
    Value& value = plan_.values[index];
    value = {};
    value.shape = shape;
    value.type = type;
    value.root = index;
    value.pixel_stride = shape.channels;
    if (!is_code(type)) return;
    const Quantisation codes = graph_.quantisation_of(index);
    value.scale = graph_.tensors[codes.scale].floats();
    value.zero = graph_.tensors[codes.zero].integers();
}

// The rows of what every global pool of the map needs, right after the map.
void StepBuilder::emit_row_pools(StepWriter& writer, std::uint32_t value) {
    for (std::uint32_t i = pooled_by_[value]; i != kNone; i = next_pool_[i]) {
        if (uses_[i + 1] != 0) emit_row_pool(writer, i, value, fusions_[i].row_pool);
    }
}

// The step of a node, at its place or at that of the addition that it does, and the activation that its kernel does not do.
void StepBuilder::emit_node(StepWriter& writer, std::uint32_t index) {
    const Fusion& fusion = fusions_[index];
    const std::uint32_t place = fusion.sum != kNone ? fusion.sum : index;
    const bool codes = makes_or_takes_codes(writer, index);
    const ops::Activation done = codes ? emit_codes(writer, index) : operation_of(graph_.nodes[index].kind).emit(writer, index);
    const ops::Activation wanted = graph_.nodes[place].activation;
    if (wanted != done) emit_activation(writer, place, writer.result_of(place));
    emit_row_pools(writer, place + 1);
}

void StepBuilder::emit_steps() {
    const Sharing sharing = {request_.threads, request_.work_per_thread};
    StepWriter writer(graph_, fusions_, sharing, &plan_);
    // Each thread has rings of its own: with several, those of a second block take more than its map. Large at 512: a second saves
    // 1.5 of 13.2 MiB with one thread, and costs 1.2 with two.
    const std::uint32_t blocks = request_.threads == 1 ? 2 : 1;
    const Recomputation again = {request_.largest_kept, blocks, plan_.value_total, made_again_.data(), distances_.data()};
    if (request_.backward != nullptr) {
        request_.backward->choose(writer, again);
        for (std::uint32_t i = 0; i < graph_.node_count(); ++i) fusions_[i].before_made_again = distances_[i + 1] != 0;
    }
    if (input_as_elements_) {
        emit_input(writer);
        emit_row_pools(writer, 0);
    }
    for (std::uint32_t i = 0; i < graph_.node_count(); ++i) {
        if (uses_[i + 1] == 0 || fusions_[i].sum != kNone) continue;
        const std::uint32_t doer = fusions_[i].done_by;
        if (doer != kNone) {
            if (fusions_[doer].sum == i) emit_node(writer, doer);
            continue;
        }
        const Node& node = graph_.nodes[i];
        const std::uint32_t input = graph_.operand(node, 0);
        // An activated reshape writes its own storage only if nothing else may see the change.
        if (is_view(node, i) && node.activation == ops::Activation::kNone) {
            plan_.values[i + 1].root = plan_.values[input].root;
        } else if (is_view(node, i)) {
            emit_activation(writer, i, input);
        } else {
            emit_node(writer, i);
        }
    }
    plan_.forward_steps = plan_.step_count;
    if (request_.backward == nullptr) return;
    writer.begin_backward();
    request_.backward->emit(writer, again, plan_.gradients.data());
}

}  // namespace fovea
