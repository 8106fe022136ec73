// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/element_types.h"

#include <algorithm>

#include "engine/steps/operations.h"
#include "ops/conv2d/conv2d.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea {
namespace {

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

// Whether the CPU computes with halves: there is more than the specification.
bool has_half_arithmetic(ops::CpuFeatureSet features) {
    return ops::kPointwiseConvFp16.select(features).required != ops::kFeatureNone &&
           ops::kConv2dFp16.select(features).required != ops::kFeatureNone &&
           ops::kDepthwiseConvFp16.select(features).required != ops::kFeatureNone;
}

}  // namespace

void choose_element_types(const Graph& graph, const Buffer<Shape>& shapes, Arithmetic wanted, Plan* plan,
                          Buffer<ElementType>* types) {
    plan->map_type = ElementType::kF32;
    plan->arithmetic = "float32";
    std::fill(types->begin(), types->end(), ElementType::kF32);
    if (graph.has_codes()) {
        for (std::uint32_t value = 1; value < graph.value_count(); ++value) {
            (*types)[value] = graph.quantisation_of(value).type;
        }
        plan->arithmetic = "codes of 8 and 16 bits, what is no code in float32, the same bits on every CPU";
        plan->float_features = ops::kFeatureNone;
        return;
    }
    if (!graph.has_weights_of(ElementType::kF16)) return;
    plan->arithmetic = "float32, weights widened: not all of them are halves";
    if (!has_only_half_weights(graph)) return;
    plan->arithmetic = "float32, weights widened: no arithmetic of halves";
    if (wanted == Arithmetic::kFloat) return;
    if (wanted == Arithmetic::kBest && !has_half_arithmetic(plan->features)) return;
    (*types)[0] = ElementType::kF16;
    for (std::uint32_t i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.nodes[i];
        if (operation_of(node.kind).result_type({graph, node, shapes, *types}, &(*types)[i + 1])) continue;
        plan->arithmetic = "float32, weights widened: because of";
        plan->float_because_of = i;
        std::fill(types->begin(), types->end(), ElementType::kF32);
        return;
    }
    plan->map_type = ElementType::kF16;
    plan->arithmetic = "half precision, vectors in float32";
}

}  // namespace fovea
