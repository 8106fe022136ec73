// SPDX-License-Identifier: Apache-2.0
#include "engine/plan_elements.h"

#include <algorithm>

#include "engine/plan_steps.h"

namespace fovea {
namespace {

constexpr std::uint8_t kFloat = sizeof(float);
constexpr std::uint8_t kHalf = sizeof(ops::Half);

// Whether the file holds all its weights as halves.
bool has_only_half_weights(const Graph& graph) {
    bool any = false;
    for (const Tensor& tensor : graph.tensors) {
        if (tensor.packing == Packing::kVector) continue;
        if (tensor.type != ElementType::kF16) return false;
        any = true;
    }
    return any;
}

struct Elements {
    const Graph& graph;
    const Buffer<Shape>& shapes;
    Buffer<std::uint8_t>& bytes;  // by value; 0 = no kernel has such operands

    std::uint8_t operand(const Node& node, std::uint32_t i) const {
        return bytes[graph.operand(node, i)];
    }
    bool all_alike(const Node& node) const;
    std::uint8_t result_of(const Node& node) const;
};

bool Elements::all_alike(const Node& node) const {
    for (std::uint32_t i = 1; i < node.operand_count; ++i) {
        if (operand(node, i) != operand(node, 0)) return false;
    }
    return true;
}

// Maps are halves; what global pools and dense layers make of them are vectors of floats.
std::uint8_t Elements::result_of(const Node& node) const {
    const std::uint8_t input = operand(node, 0);
    const std::uint32_t first = graph.operand(node, 0);
    switch (node.kind) {
        case NodeKind::kConvolution:
            // A dense layer, if it is one of a vector.
            return input == kHalf ? kHalf : is_pointwise_node(node) ? kFloat : 0;
        case NodeKind::kPool:
            if (is_global_pool_node(node, shapes[first])) return kFloat;
            return input == kHalf ? kHalf : 0;
        case NodeKind::kDepthwise:
        case NodeKind::kPad:
            return input == kHalf ? kHalf : 0;
        case NodeKind::kGlobalPool:
        case NodeKind::kReshape:
            return kFloat;
        case NodeKind::kDense:
        case NodeKind::kSoftmax:
            return input == kFloat ? kFloat : 0;
        case NodeKind::kChannelReduce:
        case NodeKind::kAffine:
        case NodeKind::kActivation:
            return input;
        case NodeKind::kConcat:
            return all_alike(node) ? input : 0;
        case NodeKind::kAdd:
        case NodeKind::kMultiply: {
            const bool vector_of_floats = input == kHalf && operand(node, 1) == kFloat &&
                                          shapes[graph.operand(node, 1)].is_vector();
            return all_alike(node) || vector_of_floats ? input : 0;
        }
    }
    return 0;
}

}  // namespace

void choose_elements(const Graph& graph, const Buffer<Shape>& shapes, Arithmetic wanted, Plan* plan,
                     Buffer<std::uint8_t>* elements) {
    plan->half = false;
    plan->arithmetic = "float32";
    std::fill(elements->begin(), elements->end(), kFloat);
    if (!graph.has_half_weights()) return;
    plan->arithmetic = "float32, weights widened: not all of them are halves";
    if (!has_only_half_weights(graph)) return;
    plan->arithmetic = "float32, weights widened: no arithmetic of halves";
    if (wanted == Arithmetic::kFloat) return;
    if (wanted == Arithmetic::kBest && !plan->kernels.has_half_arithmetic()) return;
    (*elements)[0] = kHalf;
    const Elements deduced{graph, shapes, *elements};
    for (std::uint32_t i = 0; i < graph.node_count(); ++i) {
        (*elements)[i + 1] = deduced.result_of(graph.nodes[i]);
        if ((*elements)[i + 1] != 0) continue;
        plan->arithmetic = "float32, weights widened: because of";
        plan->float_because_of = i;
        std::fill(elements->begin(), elements->end(), kFloat);
        return;
    }
    plan->half = true;
    plan->arithmetic = "half precision, vectors in float32";
}

}  // namespace fovea
