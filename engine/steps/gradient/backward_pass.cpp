// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/backward_pass.h"

#include <algorithm>

#include "engine/steps/gradient/gradient_writer.h"

namespace fovea {
namespace {

GradientEmit gradient_of(NodeKind kind) {
    switch (kind) {
#define FOVEA_GRADIENT_CASE(number, kind, text, operation) \
    case NodeKind::kind:                                   \
        return emit_##operation##_gradient;
        FOVEA_NODE_KINDS(FOVEA_GRADIENT_CASE)
#undef FOVEA_GRADIENT_CASE
    }
    return emit_activation_gradient;  // a checked graph has no other kind
}

// The most that one node's steps make: the derivative of its activation, floats of three values that it needs, a product for each of
// two operands, two stages of sums; and for each operand a part of its own, the sum so far, and that made whole.
BackwardBounds bounds(const Graph& graph) {
    // And what it makes again, at the most twice: its result, and that before its activation.
    constexpr std::size_t kPerNode = 12, kPerOperand = 3, kMostRead = 3;
    std::size_t steps = 2;  // the objective's, and what makes the input's gradient whole
    for (const Node& node : graph.nodes) steps += kPerNode + kPerOperand * node.operand_count;
    return {steps, steps, steps * kMostRead};
}

void emit(StepWriter& steps, const Recomputation& again, std::uint32_t* gradients) {
    const Graph& graph = steps.graph();
    std::fill_n(gradients, graph.value_count(), kNone);
    GradientWriter writer(steps, again, gradients);
    gradients[graph.logits] = emit_objective_gradient(writer, graph.logits);
    for (std::uint32_t index = graph.node_count(); index-- > 0;) {
        std::uint32_t gradient = writer.complete(index, index + 1);
        if (gradient == kNone) continue;
        if (writer.node(index).activation != ops::Activation::kNone) gradient = emit_derivative(writer, index, gradient);
        gradient_of(writer.node(index).kind)(writer, index, gradient);
    }
    writer.complete(kNone, 0);
}

}  // namespace

constinit const BackwardPass kBackwardPass = {bounds, choose_recomputation, emit};

}  // namespace fovea
