// SPDX-License-Identifier: Apache-2.0
// Section QUNT, and what a network with codes must keep so that its sums are exact.
#include <algorithm>
#include <cstdlib>

#include "engine/model/sections.h"
#include "ops/codes.h"

namespace fovea {
namespace {

constexpr std::size_t kRecordSize = 64;
constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kU8, ElementType::kS16};  // by their number in the file
constexpr std::int64_t kLargestSum = 0x7FFFFFFF;
// What 255 times two weights may be, so that it fits 16 bits: see ops/pointwise_conv/pointwise_conv_codes.h.
constexpr std::int32_t kLargestPair = 128;

// Checks of one node; messages name it.
struct CodeChecker {
    const Graph& graph;
    const Log& log;
    std::uint32_t index;
    const Node& node;
    const Quantisation& codes;

    fovea_status bad(const char* what) const {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section QUNT: %s: %s", NodeLabel(graph, index).text, what);
    }
    ElementType operand_type(std::uint32_t i) const { return graph.quantisation_of(graph.operand(node, i)).type; }
    bool is_vector_of(std::uint32_t tensor, ElementType type) const;
    // A dense layer, or a 1x1 convolution that is one where its input is a vector.
    bool is_layer_of_vector() const {
        return (node.kind == NodeKind::kDense || is_pointwise_node(node)) &&
               graph.tensors[node.weights].packing == Packing::kConvPanels;
    }
    fovea_status check_vectors(bool second_multiplier, bool offset) const;
    fovea_status check_scales() const;
    fovea_status check_layer() const;
    fovea_status check_sums() const;
    fovea_status check_pairs() const;
    fovea_status check_made() const;
    fovea_status check_floats() const;
    fovea_status check() const;
};

bool CodeChecker::is_vector_of(std::uint32_t tensor, ElementType type) const {
    if (tensor >= graph.tensors.size()) return false;
    const Tensor& vector = graph.tensors[tensor];
    return vector.packing == Packing::kVector && vector.type == type &&
           vector.dimensions[0] ==
               (codes.scale != kNone ? graph.tensors[codes.scale].dimensions[0] : node.output_channels);
}

fovea_status CodeChecker::check_vectors(bool second_multiplier, bool offset) const {
    if (!is_vector_of(codes.multiplier, ElementType::kF32)) return bad("the multiplier is no f32 vector of its channels");
    if (!second_multiplier && codes.second_multiplier != kNone) return bad("the second multiplier should be none");
    if (second_multiplier && !is_vector_of(codes.second_multiplier, ElementType::kF32)) {
        return bad("the second multiplier is no f32 vector of its channels");
    }
    if (!offset && codes.offset != kNone) return bad("the offset should be none");
    if (offset && !is_vector_of(codes.offset, ElementType::kF32)) return bad("the offset is no f32 vector of its channels");
    return FOVEA_OK;
}

fovea_status CodeChecker::check_scales() const {
    if (codes.scale >= graph.tensors.size() || graph.tensors[codes.scale].type != ElementType::kF32 ||
        graph.tensors[codes.scale].packing != Packing::kVector) {
        return bad("the scale is no f32 vector");
    }
    if (!is_vector_of(codes.zero, ElementType::kI32)) return bad("the zero point is no i32 vector of its channels");
    const Tensor& scale = graph.tensors[codes.scale];
    const std::int32_t low = codes.type == ElementType::kU8 ? 0 : -32768;
    const std::int32_t high = codes.type == ElementType::kU8 ? 255 : 32767;
    for (std::uint32_t c = 0; c < scale.dimensions[0]; ++c) {
        if (!(scale.floats()[c] > 0)) return bad("a scale is not above 0");  // infinities are refused with the tensors
        const std::int32_t zero = graph.tensors[codes.zero].integers()[c];
        if (zero < low || zero > high) return bad("a zero point is no code of its type");
    }
    return FOVEA_OK;
}

// A convolution or depthwise convolution with whole weights.
fovea_status CodeChecker::check_layer() const {
    const Tensor& weights = graph.tensors[node.weights];
    const bool in_panels = weights.packing == Packing::kCodePanels || node.kind == NodeKind::kDepthwise;
    if (weights.type != ElementType::kI8 || !in_panels) return bad("makes codes, but its weights are no i8 in panels of codes");
    if (!is_code(operand_type(0))) return bad("has i8 weights, but an input of floats");
    if (node.kind == NodeKind::kConvolution && node.groups != 1) return bad("codes are convolved in one group only");
    if (node.bias == kNone || graph.tensors[node.bias].type != ElementType::kI32) return bad("has i8 weights, but no i32 bias");
    if (!ops::has_requantisation(node.activation)) return bad("an activation that no codes are made with");
    const fovea_status status = check_vectors(node.activation == ops::Activation::kHardSwish, false);
    if (status != FOVEA_OK) return status;
    return check_sums();
}

// No sum of products can leave 32 bits, in whatever order and however cut it is added up.
fovea_status CodeChecker::check_sums() const {
    const Tensor& weights = graph.tensors[node.weights];
    const std::uint32_t* d = weights.dimensions;
    const std::int64_t code = operand_type(0) == ElementType::kU8 ? 255 : 32768;
    const std::size_t outputs = node.output_channels;
    const bool depthwise = weights.packing == Packing::kDepthwise;
    const std::size_t of_panel = depthwise ? 0 : weights.size / ((outputs + 7) / 8);
    const std::size_t padded = (outputs + 7) / 8 * 8;
    for (std::size_t o = 0; o < outputs; ++o) {
        std::int64_t total = 0;
        if (depthwise) {
            for (std::size_t tap = 0; tap < std::size_t{d[0]} * d[1]; ++tap) {
                total += std::abs(weights.bytes()[tap * padded + o]);
            }
        } else {
            const std::int8_t* const panel = weights.bytes() + o / 8 * of_panel + o % 8 * 4;
            for (std::size_t at = 0; at < of_panel; at += 32) {
                for (int k = 0; k < 4; ++k) total += std::abs(panel[at + static_cast<std::size_t>(k)]);
            }
        }
        // Twice: signed codes of 8 bits instead of unsigned ones move 128 times the weights into the bias.
        const std::int64_t bias = std::abs(static_cast<std::int64_t>(graph.tensors[node.bias].integers()[o]));
        if (bias + 2 * code * total > kLargestSum) return bad("its sums could leave 32 bits");
    }
    return is_code(operand_type(0)) && code == 255 && !depthwise ? check_pairs() : FOVEA_OK;
}

fovea_status CodeChecker::check_pairs() const {
    const Tensor& weights = graph.tensors[node.weights];
    for (std::size_t at = 0; at < weights.size; at += 2) {
        const std::int32_t first = weights.bytes()[at], second = weights.bytes()[at + 1];
        const std::int32_t positive = std::max(first, 0) + std::max(second, 0);
        const std::int32_t negative = std::min(first, 0) + std::min(second, 0);
        if (positive > kLargestPair || negative < -kLargestPair) return bad("a pair of its weights adds up to more than 128");
    }
    return FOVEA_OK;
}

// A node that makes codes.
fovea_status CodeChecker::check_made() const {
    const fovea_status status = check_scales();
    if (status != FOVEA_OK) return status;
    const bool linear = node.activation == ops::Activation::kNone;
    switch (node.kind) {
        case NodeKind::kConvolution:
        case NodeKind::kDepthwise:
            return check_layer();
        case NodeKind::kAffine:
            if (!linear || graph.operand(node, 0) != 0) return bad("makes codes of something else than the network's input");
            return check_vectors(false, true);
        case NodeKind::kActivation:
            if (!linear || is_code(operand_type(0)) || graph.operand(node, 0) == 0) return bad("makes codes of no floats");
            return check_vectors(false, true);
        case NodeKind::kAdd:
            if (!linear || !is_code(operand_type(0)) || !is_code(operand_type(1))) return bad("adds something else than codes");
            return check_vectors(true, true);
        case NodeKind::kMultiply:
            if (!linear || !is_code(operand_type(0)) || is_code(operand_type(1)) || graph.operand(node, 1) == 0) {
                return bad("multiplies something else than codes by floats");
            }
            return check_vectors(false, false);
        default:
            return bad("no codes are made by this kind");
    }
}

// A node that makes floats: of codes only where they become floats.
fovea_status CodeChecker::check_floats() const {
    const bool whole = node.weights != kNone && graph.tensors[node.weights].type == ElementType::kI8;
    if (node.weights != kNone && graph.tensors[node.weights].type == ElementType::kI32) return bad("has i32 weights");
    if (node.bias != kNone && graph.tensors[node.bias].type != ElementType::kF32) return bad("makes no codes, but its bias is no f32");
    if (whole != (codes.multiplier != kNone)) return bad("has i8 weights without a multiplier, or a multiplier without them");
    if (whole && !is_layer_of_vector()) return bad("has i8 weights, but makes no codes and is no layer of a vector");
    if (whole && !is_vector_of(codes.multiplier, ElementType::kF32)) return bad("the multiplier is no f32 vector of its channels");
    for (const std::uint32_t tensor : {codes.scale, codes.zero, codes.second_multiplier, codes.offset}) {
        if (tensor != kNone) return bad("makes no codes, but has constants of codes");
    }
    const bool converts = (node.kind == NodeKind::kActivation && node.activation == ops::Activation::kNone) ||
                          node.kind == NodeKind::kGlobalPool;
    for (std::uint32_t i = 0; i < node.operand_count && !converts; ++i) {
        if (is_code(operand_type(i))) return bad("takes floats, but an operand is made of codes");
    }
    return FOVEA_OK;
}

fovea_status CodeChecker::check() const {
    return is_code(codes.type) ? check_made() : check_floats();
}

}  // namespace

fovea_status read_quantisation(const Section& section, const Log& log, Graph* graph) {
    const auto bad = [&](const char* what) { return log.fail(FOVEA_ERROR_BAD_MODEL, "section QUNT: %s", what); };
    if (section.size < 8) return bad("too short");
    const std::uint32_t count = load_u32(section.data);
    if (load_u32(section.data + 4) != 0) return bad("reserved bytes are not zero");
    if (count < 1 || section.size != 8 + std::uint64_t{count} * kRecordSize) return bad("wrong size");
    if (!graph->quantisations.allocate(graph->node_count())) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the quantisation");
    }
    std::fill(graph->quantisations.begin(), graph->quantisations.end(), Quantisation());
    std::uint64_t next = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint8_t* const p = section.data + 8 + std::size_t{i} * kRecordSize;
        const std::uint32_t node = load_u32(p);
        const std::uint32_t type = load_u32(p + 4);
        if (node < next || node >= graph->node_count()) return bad("nodes are out of order or do not exist");
        if (type > 2) return bad("unknown type of codes");
        if (!all_zero(p + 28, 36)) return bad("reserved bytes are not zero");
        graph->quantisations[node] = {kTypes[type], load_u32(p + 8), load_u32(p + 12),
                                      load_u32(p + 16), load_u32(p + 20), load_u32(p + 24)};
        next = std::uint64_t{node} + 1;
        for (const std::uint32_t tensor : {load_u32(p + 8), load_u32(p + 12), load_u32(p + 16), load_u32(p + 20), load_u32(p + 24)}) {
            if (tensor != kNone && tensor >= graph->tensors.size()) return bad("a tensor that does not exist");
        }
    }
    return FOVEA_OK;
}

fovea_status check_codes(const Graph& graph, const Log& log) {
    if (!graph.has_codes()) return FOVEA_OK;
    for (std::uint32_t i = 0; i < graph.node_count(); ++i) {
        const fovea_status status = CodeChecker{graph, log, i, graph.nodes[i], graph.quantisations[i]}.check();
        if (status != FOVEA_OK) return status;
    }
    for (const std::uint32_t value : {graph.logits, graph.probabilities}) {
        if (is_code(graph.quantisation_of(value).type)) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section QUNT: the network's outputs are codes");
        }
    }
    return FOVEA_OK;
}

}  // namespace fovea
