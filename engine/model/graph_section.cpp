// SPDX-License-Identifier: Apache-2.0
// Section GRPH.
#include <cmath>

#include "engine/model/sections.h"

namespace fovea {
namespace {

constexpr std::size_t kGraphHeaderSize = 64;
constexpr std::size_t kNodeSize = 128;
constexpr std::uint32_t kMaxNodes = 65536;
constexpr std::uint32_t kMaxRadius = 1023;  // of a normalisation across channels
constexpr std::uint32_t kMaxTaps = 65535;  // kernel, stride, dilation and padding, each side

// Which fields a kind uses.
struct KindRule {
    std::uint32_t min_operands, max_operands;
    bool window;  // kernel and stride
    bool dilation;
    bool padding;  // the four numbers
    bool groups;
    bool output_channels;
    bool weights;  // required if used
    bool bias;
    std::uint32_t variants;  // allowed values: 0 .. variants - 1
};

KindRule rule_of(NodeKind kind) {
    switch (kind) {
        case NodeKind::kConvolution:
            return {1, 1, true, true, true, true, true, true, true, 1};
        case NodeKind::kDepthwise:
            return {1, 1, true, true, true, false, true, true, true, 1};
        case NodeKind::kDense:
            return {1, 1, false, false, false, false, true, true, true, 1};
        case NodeKind::kPool:
            return {1, 1, true, false, true, false, false, false, false, 3};
        case NodeKind::kGlobalPool:
        case NodeKind::kChannelReduce:
            return {1, 1, false, false, false, false, false, false, false, 2};
        case NodeKind::kConcat:
            return {2, 64, false, false, false, false, false, false, false, 1};
        case NodeKind::kAdd:
        case NodeKind::kMultiply:
            return {2, 2, false, false, false, false, false, false, false, 1};
        case NodeKind::kAffine:
            return {1, 1, false, false, false, false, false, true, true, 1};
        case NodeKind::kActivation:
        case NodeKind::kSoftmax:
        case NodeKind::kReshape:
            return {1, 1, false, false, false, false, false, false, false, 1};
        case NodeKind::kPad:
            return {1, 1, false, false, true, false, false, false, false, 1};
        case NodeKind::kLrn:
            return {1, 1, false, false, false, false, false, true, false, kMaxRadius + 1};
    }
    return {};
}

// Checks of one node; messages name it by its layer name, which is known by then.
struct NodeChecker {
    const Graph& graph;
    const Log& log;
    std::uint32_t index;
    const Node& node;

    fovea_status bad(const char* what) const {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: %s: %s", NodeLabel(graph, index).text,
                        what);
    }
    fovea_status check_operands() const;
    fovea_status check_window(const KindRule& rule) const;
    fovea_status check_constants(const KindRule& rule) const;
    fovea_status check() const;
};

fovea_status NodeChecker::check_operands() const {
    const KindRule rule = rule_of(node.kind);
    if (node.operand_count < rule.min_operands || node.operand_count > rule.max_operands) {
        return bad("wrong number of operands");
    }
    if (node.first_operand > graph.operands.size() ||
        node.operand_count > graph.operands.size() - node.first_operand) {
        return bad("operands past the end of the list");
    }
    for (std::uint32_t i = 0; i < node.operand_count; ++i) {
        if (graph.operand(node, i) > index) return bad("an operand that is not made before it");
    }
    return FOVEA_OK;
}

fovea_status NodeChecker::check_window(const KindRule& rule) const {
    const std::uint32_t kernel[] = {node.kernel_height, node.kernel_width};
    const std::uint32_t stride[] = {node.stride_y, node.stride_x};
    const std::uint32_t dilation[] = {node.dilation_y, node.dilation_x};
    for (int side = 0; side < 2; ++side) {
        if (!rule.window && (kernel[side] != 0 || stride[side] != 0)) {
            return bad("kernel and stride should be 0");
        }
        if (rule.window && (kernel[side] < 1 || kernel[side] > kMaxTaps)) {
            return bad("kernel is outside 1 to 65535");
        }
        if (rule.window && (stride[side] < 1 || stride[side] > kMaxTaps)) {
            return bad("stride is outside 1 to 65535");
        }
        if (!rule.dilation && dilation[side] != 0) return bad("dilation should be 0");
        if (rule.dilation && (dilation[side] < 1 || dilation[side] > kMaxTaps)) {
            return bad("dilation is outside 1 to 65535");
        }
        if (rule.dilation && (kernel[side] - std::uint64_t{1}) * dilation[side] >= kMaxTaps) {
            return bad("the dilated kernel is larger than 65535");
        }
    }
    const Padding& padding = node.padding;
    const bool padded =
        padding.top != 0 || padding.left != 0 || padding.bottom != 0 || padding.right != 0;
    if (padded && (!rule.padding || node.same_padding)) return bad("padding should be 0");
    if (padding.top > kMaxTaps || padding.left > kMaxTaps || padding.bottom > kMaxTaps ||
        padding.right > kMaxTaps) {
        return bad("padding is over 65535");
    }
    if (node.same_padding && !rule.window) return bad("padding mode should be 0");
    return FOVEA_OK;
}

fovea_status NodeChecker::check_constants(const KindRule& rule) const {
    if (!rule.weights) {
        const bool none = node.weights == kNone && node.bias == kNone;
        return none ? FOVEA_OK : bad("weights and bias should be none");
    }
    if (node.weights >= graph.tensors.size()) return bad("weights are no tensor");
    const bool bias_optional = node.kind != NodeKind::kAffine;
    const bool has_bias = node.bias != kNone;
    if (has_bias ? node.bias >= graph.tensors.size() : !bias_optional) {
        return bad("bias is no tensor");
    }
    const Tensor& weights = graph.tensors[node.weights];
    const std::uint32_t* d = weights.dimensions;
    Packing packing = Packing::kVector;
    bool fits = true;
    std::uint32_t channels = d[0];
    if (node.kind == NodeKind::kConvolution || node.kind == NodeKind::kDense) {
        const bool dense = node.kind == NodeKind::kDense;
        packing = !dense && weights.packing == Packing::kCodePanels ? Packing::kCodePanels : Packing::kConvPanels;
        channels = d[3];
        fits = d[0] == (dense ? 1 : node.kernel_height) && d[1] == (dense ? 1 : node.kernel_width);
    } else if (node.kind == NodeKind::kDepthwise) {
        packing = Packing::kDepthwise;
        channels = d[2];
        fits = d[0] == node.kernel_height && d[1] == node.kernel_width;
    }
    if (node.kind == NodeKind::kLrn) {
        fits = d[0] == 3;
        if (fits && weights.type == ElementType::kF32 && weights.size >= 3 * sizeof(float)) {
            const float* const numbers = weights.floats();  // written so that a NaN is refused
            const bool sound = numbers[0] > 0 && numbers[1] >= 0 && numbers[2] >= 0;
            if (!sound) return bad("its bias is not above 0, or alpha or beta is below 0");
        }
    }
    if (weights.packing != packing) return bad("weights are packed for another kind");
    if (!fits) return bad("weights are for another kernel size");
    if (rule.output_channels && node.output_channels != channels) {
        return bad("output channels differ from the weights'");
    }
    if (rule.groups && (node.groups < 1 || channels % node.groups != 0)) {
        return bad("groups do not divide the output channels");
    }
    if (has_bias) {
        const Tensor& bias = graph.tensors[node.bias];
        if (bias.packing != Packing::kVector || bias.dimensions[0] != channels) {
            return bad("bias is not a vector of the output channels");
        }
    }
    return FOVEA_OK;
}

fovea_status NodeChecker::check() const {
    const KindRule rule = rule_of(node.kind);
    fovea_status status = check_operands();
    if (status == FOVEA_OK) status = check_window(rule);
    if (status != FOVEA_OK) return status;
    if (!rule.groups && node.groups != 0) return bad("groups should be 0");
    if (!rule.output_channels && node.output_channels != 0) {
        return bad("output channels should be 0");
    }
    if (node.variant >= rule.variants) return bad("unknown variant");
    if (node.kind == NodeKind::kSoftmax && node.activation != ops::Activation::kNone) {
        return bad("a softmax has no activation");
    }
    const bool parametric =
        node.activation == ops::Activation::kLeakyRelu || node.activation == ops::Activation::kElu;
    if (!std::isfinite(node.activation_parameter) ||
        (!parametric && node.activation_parameter != 0)) {
        return bad("wrong activation parameter");
    }
    return check_constants(rule);
}

fovea_status read_nodes(const std::uint8_t* p, const Log& log, Graph* graph) {
    for (std::uint32_t i = 0; i < graph->node_count(); ++i, p += kNodeSize) {
        const std::uint32_t kind = load_u32(p);
        const std::uint32_t activation = load_u32(p + 4);
        if (kind == 0 || kind > kNodeKinds) {
            return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "section GRPH: node %u: unknown kind %u",
                            i, kind);
        }
        if (activation >= ops::kActivationCount) {
            return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL,
                            "section GRPH: node %u: unknown activation %u", i, activation);
        }
        if (load_u32(p + 52) > 1) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: node %u: unknown padding mode",
                            i);
        }
        if (!all_zero(p + 84, 44)) {
            return log.fail(FOVEA_ERROR_BAD_MODEL,
                            "section GRPH: node %u: reserved bytes are not zero", i);
        }
        Node& node = graph->nodes[i];
        node.kind = static_cast<NodeKind>(kind);
        node.activation = static_cast<ops::Activation>(activation);
        node.activation_parameter = load_f32(p + 8);
        node.first_operand = load_u32(p + 12);
        node.operand_count = load_u32(p + 16);
        node.weights = load_u32(p + 20);
        node.bias = load_u32(p + 24);
        node.kernel_height = load_u32(p + 28);
        node.kernel_width = load_u32(p + 32);
        node.stride_y = load_u32(p + 36);
        node.stride_x = load_u32(p + 40);
        node.dilation_y = load_u32(p + 44);
        node.dilation_x = load_u32(p + 48);
        node.same_padding = load_u32(p + 52) == 1;
        node.padding = {load_u32(p + 56), load_u32(p + 60), load_u32(p + 64), load_u32(p + 68)};
        node.groups = load_u32(p + 72);
        node.output_channels = load_u32(p + 76);
        node.variant = load_u32(p + 80);
    }
    return FOVEA_OK;
}

fovea_status read_names(const std::uint8_t* p, const Strings& strings, const Log& log,
                        Graph* graph) {
    const std::size_t count = graph->names.size();
    Buffer<std::uint32_t>& sorted = graph->names_by_text;
    if (!sorted.allocate(count)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the layer names");
    }
    for (std::size_t i = 0; i < count; ++i, p += 8) {
        LayerName& name = graph->names[i];
        name = {strings.get(load_u32(p)), load_u32(p + 4)};
        if (name.text == nullptr) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: name %zu is no string", i);
        }
        if (name.node >= graph->node_count()) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: name '%.200s' is of no node",
                            name.text);
        }
        if (i > 0 && graph->names[i - 1].node > name.node) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: name '%.200s' is out of order",
                            name.text);
        }
    }
    const Buffer<LayerName>& names = graph->names;
    if (count > 0) sort_by_text(&names[0].text, sizeof(LayerName), &sorted);
    for (std::size_t i = 1; i < count; ++i) {
        if (std::strcmp(names[sorted[i - 1]].text, names[sorted[i]].text) == 0) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: name '%.200s' occurs twice",
                            names[sorted[i]].text);
        }
    }
    return FOVEA_OK;
}

fovea_status read_graph_header(const Section& section, const Log& log, Graph* graph) {
    const std::uint8_t* p = section.data;
    graph->input_height = load_u32(p + 12);
    graph->input_width = load_u32(p + 16);
    graph->input_channels = load_u32(p + 20);
    graph->default_height = load_u32(p + 24);
    graph->default_width = load_u32(p + 28);
    graph->logits = load_u32(p + 32);
    graph->probabilities = load_u32(p + 36);
    const auto bad = [&](const char* what) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: %s", what);
    };
    if (graph->input_channels < 1 || graph->input_channels > 4) {
        return bad("input channels outside 1 to 4");
    }
    const bool default_fits =
        graph->default_height >= 1 && graph->default_height <= kMaxInputSide &&
        graph->default_width >= 1 && graph->default_width <= kMaxInputSide &&
        (graph->input_height == 0 || graph->input_height == graph->default_height) &&
        (graph->input_width == 0 || graph->input_width == graph->default_width);
    if (!default_fits) return bad("the default input size does not fit");
    if (graph->logits < 1 || graph->logits > graph->node_count()) {
        return bad("the logits are the output of no node");
    }
    if (graph->probabilities < 1 || graph->probabilities > graph->node_count()) {
        return bad("the probabilities are the output of no node");
    }
    if (!all_zero(p + 40, 24)) return bad("reserved bytes are not zero");
    return FOVEA_OK;
}

}  // namespace

fovea_status read_graph(const Section& section, const Strings& strings, const Log& log,
                        Graph* graph) {
    const std::uint8_t* p = section.data;
    if (section.size < kGraphHeaderSize) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: too short");
    }
    const std::uint32_t node_count = load_u32(p);
    const std::uint32_t operand_count = load_u32(p + 4);
    const std::uint32_t name_count = load_u32(p + 8);
    if (node_count < 1 || node_count > kMaxNodes) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: node count is outside 1 to 65536");
    }
    const std::uint64_t operands_at = kGraphHeaderSize + std::uint64_t{node_count} * kNodeSize;
    const std::uint64_t names_at = operands_at + std::uint64_t{operand_count} * 4;
    if (section.size != names_at + std::uint64_t{name_count} * 8) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section GRPH: wrong size");
    }
    if (!graph->nodes.allocate(node_count) || !graph->operands.allocate(operand_count) ||
        !graph->names.allocate(name_count)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a graph of %u nodes",
                        node_count);
    }
    fovea_status status = read_graph_header(section, log, graph);
    if (status == FOVEA_OK) status = read_nodes(p + kGraphHeaderSize, log, graph);
    if (status == FOVEA_OK) status = read_names(p + names_at, strings, log, graph);
    if (status != FOVEA_OK) return status;
    for (std::uint32_t i = 0; i < operand_count; ++i) {
        graph->operands[i] = load_u32(p + operands_at + std::size_t{i} * 4);
    }
    for (std::uint32_t i = 0; i < node_count; ++i) {
        status = NodeChecker{*graph, log, i, graph->nodes[i]}.check();
        if (status != FOVEA_OK) return status;
    }
    return FOVEA_OK;
}

}  // namespace fovea
