// SPDX-License-Identifier: Apache-2.0
// What steps do for each other, the part of StepBuilder that decides before any step is made: rows pooled
// as they are made, gates in weights, additions and rescalings in convolutions.
#include <algorithm>

#include "engine/plan/step_builder.h"
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea {

namespace {

// Pools the rows of the map first, which can be done while they are made: a mean of the rows' means,
// a maximum of their maxima.
bool pools_rows(const Node& node, const Shape& map) {
    return is_global_pool_node(node, map) && map.height > 1 && map.width > 1;
}

}  // namespace

std::size_t StepBuilder::count_row_pools(const Buffer<Shape>& shapes) const {
    std::size_t count = 0;
    for (const Node& node : graph_.nodes) {
        count += pools_rows(node, shapes[graph_.operand(node, 0)]) ? 1 : 0;
    }
    return count;
}

// Gives the rows their values, and each map the list of the nodes that pool it.
void StepBuilder::list_row_pools() {
    std::fill(pooled_by_.begin(), pooled_by_.end(), kNone);
    for (std::uint32_t i = 0; i < graph_.node_count(); ++i) {
        next_pool_[i] = kNone;
        const std::uint32_t map = graph_.operand(graph_.nodes[i], 0);
        if (!pools_rows(graph_.nodes[i], shape(map))) continue;
        // A value for each map, of the type of what global pools make.
        set_value(plan_.value_total, {shape(map).height, 1, shape(map).channels}, plan_.values[i + 1].type);
        fusions_[i].row_pool = plan_.value_total++;
        next_pool_[i] = pooled_by_[map];
        pooled_by_[map] = i;
    }
}

// The multiplication of the convolution's input by a channel gate that its weights can take over,
// or kNone: nobody else reads the product, and there are fewer weights than inputs.
std::uint32_t StepBuilder::foldable_gate(const Node& convolution) const {
    if (convolution.kind != NodeKind::kConvolution || !is_pointwise_node(convolution)) return kNone;
    const std::uint32_t product = graph_.operand(convolution, 0);
    if (product == 0 || consumers_[product] != 1) return kNone;
    const Node& node = graph_.nodes[product - 1];
    if (node.kind != NodeKind::kMultiply || node.activation != ops::Activation::kNone) return kNone;
    if (is_code(plan_.values[product].type)) return kNone;
    const Shape& map = shape(graph_.operand(node, 0));
    const Shape& gate = shape(graph_.operand(node, 1));
    const bool fits = !map.is_vector() && gate.is_vector() && gate.channels == map.channels &&
                      plan_.values[graph_.operand(node, 1)].type == ElementType::kF32;
    return fits && convolution.output_channels < map.pixels() ? product - 1 : kNone;
}

void StepBuilder::choose_gates() {
    std::fill(consumers_.begin(), consumers_.end(), 0u);
    for (const Node& node : graph_.nodes) {
        for (std::uint32_t i = 0; i < node.operand_count; ++i) {
            ++consumers_[graph_.operand(node, i)];
        }
    }
    for (std::uint32_t i = 0; i < graph_.node_count(); ++i) {
        fusions_[i].gate = foldable_gate(graph_.nodes[i]);
    }
}

// A value that nothing needs has 0 uses_; its node makes no step.
void StepBuilder::count_uses() {
    std::fill(uses_.begin(), uses_.end(), 0u);
    ++uses_[graph_.logits];
    ++uses_[graph_.probabilities];
    for (std::size_t i = 0; i < request_.kept_count; ++i) ++uses_[request_.kept[i]];
    for (std::uint32_t index = graph_.node_count(); index-- > 0;) {
        if (uses_[index + 1] == 0) continue;
        const std::uint32_t gate = fusions_[index].gate;
        const Node& node = graph_.nodes[gate != kNone ? gate : index];
        for (std::uint32_t i = 0; i < node.operand_count; ++i) {
            const std::uint32_t value = graph_.operand(node, i);
            ++uses_[value];
            if (value == 0 && node.kind != NodeKind::kAffine && !can_read_pixels(node)) {
                input_as_elements_ = true;
            }
        }
    }
}

// Whether the node is a convolution that can read the caller's pixels itself.
bool StepBuilder::can_read_pixels(const Node& node) const {
    return node.kind == NodeKind::kConvolution && !is_pointwise_node(node) && node.groups == 1 &&
           shape(0).channels <= Program::kOneCount &&
           ops::can_rescale_window(shape(0).channels, node.kernel_height, node.kernel_width,
                                   node.dilation_x);
}

// The rescaling of the caller's pixels that this convolution can do as it reads them, because
// nobody else wants it, or kNone.
std::uint32_t StepBuilder::absorbable_rescaling(const Node& convolution) const {
    const std::uint32_t value = graph_.operand(convolution, 0);
    if (value == 0 || uses_[value] != 1 || !can_read_pixels(convolution)) return kNone;
    const Node& node = graph_.nodes[value - 1];
    const bool rescales = node.kind == NodeKind::kAffine && !is_code(plan_.values[value].type) && graph_.operand(node, 0) == 0 &&
                          node.activation == ops::Activation::kNone;
    return rescales ? value - 1 : kNone;
}

// Which operand of an add a pointwise convolution can make on the fly, or kNone. The convolution
// then runs at the add's place, so the later of two candidates is taken: it moves less.
std::uint32_t StepBuilder::absorbable_operand(const Node& add) const {
    const std::uint32_t left = graph_.operand(add, 0);
    const std::uint32_t right = graph_.operand(add, 1);
    if (left == right || !ops::is_fusable(add.activation) || shape(left) != shape(right) ||
        is_code(plan_.values[left].type)) {
        return kNone;
    }
    for (const std::uint32_t value : {std::max(left, right), std::min(left, right)}) {
        if (value == 0 || uses_[value] != 1) continue;
        const Node& node = graph_.nodes[value - 1];
        if (is_pointwise_node(node) && node.activation == ops::Activation::kNone &&
            !shape(value).is_vector()) {
            return value;
        }
    }
    return kNone;
}

void StepBuilder::choose_fusions() {
    for (std::uint32_t i = 0; i < graph_.node_count(); ++i) {
        if (uses_[i + 1] == 0) continue;
        const Node& node = graph_.nodes[i];
        if (node.kind == NodeKind::kAdd) {
            const std::uint32_t value = absorbable_operand(node);
            if (value == kNone) continue;
            fusions_[value - 1].sum = i;
            fusions_[i].done_by = value - 1;
        } else if (node.kind == NodeKind::kConvolution && !is_pointwise_node(node)) {
            const std::uint32_t rescaling = absorbable_rescaling(node);
            if (rescaling != kNone) {
                fusions_[i].rescaling = rescaling;
                fusions_[rescaling].done_by = i;
            }
            fusions_[i].reads_pixels =
                rescaling != kNone || (graph_.operand(node, 0) == 0 && !input_as_elements_);
        }
    }
}

}  // namespace fovea
