// SPDX-License-Identifier: Apache-2.0
#include "engine/model/graph.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace fovea {
namespace {

struct Window {
    std::uint32_t kernel, stride, dilation;
};

// What "same" adds in all along one side; the smaller half goes before.
std::uint64_t same_padding_total(std::uint64_t size, const Window& window) {
    const std::uint64_t outputs = (size + window.stride - 1) / window.stride;
    const std::uint64_t needed =
        (outputs - 1) * window.stride + (std::uint64_t{window.kernel} - 1) * window.dilation + 1;
    return needed > size ? needed - size : 0;
}

// Number of windows along one side; 0 when not one fits.
std::uint64_t window_count(std::uint64_t size, std::uint64_t before, std::uint64_t after,
                           const Window& window) {
    const std::uint64_t padded = size + before + after;
    const std::uint64_t extent = (std::uint64_t{window.kernel} - 1) * window.dilation + 1;
    if (padded < extent) return 0;
    return (padded - extent) / window.stride + 1;
}

Window vertical(const Node& node) {
    return {node.kernel_height, node.stride_y, std::max(node.dilation_y, 1u)};
}
Window horizontal(const Node& node) {
    return {node.kernel_width, node.stride_x, std::max(node.dilation_x, 1u)};
}

// Shape inference of one graph: the state that every node's rule needs.
struct Inference {
    const Graph& graph;
    const Log& log;
    fovea_status on_misfit;
    Buffer<Shape>& shapes;

    const Shape& input(const Node& node, std::uint32_t i) const {
        return shapes[graph.operand(node, i)];
    }
    fovea_status misfit(std::uint32_t index, const char* what) const {
        return log.fail(on_misfit, "%s: %s", NodeLabel(graph, index).text, what);
    }
    fovea_status set(std::uint32_t index, std::uint64_t height, std::uint64_t width,
                     std::uint64_t channels) const {
        // The three factors are below 2^31 each, so that the product of two fits in 64 bits.
        constexpr std::uint64_t kMaxSide = 1u << 30;
        if (height > kMaxSide || width > kMaxSide || channels > kMaxSide ||
            height * width > kMaxValueElements || height * width * channels > kMaxValueElements) {
            return misfit(index, "the output would be too large");
        }
        shapes[index + 1] = {static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width),
                             static_cast<std::uint32_t>(channels)};
        return FOVEA_OK;
    }

    fovea_status windowed(std::uint32_t index, const Node& node, std::uint32_t channels) const;
    fovea_status concat(std::uint32_t index, const Node& node) const;
    fovea_status binary(std::uint32_t index, const Node& node) const;
    fovea_status infer(std::uint32_t index, const Node& node) const;
};

fovea_status Inference::windowed(std::uint32_t index, const Node& node,
                                 std::uint32_t channels) const {
    const Shape& in = input(node, 0);
    const Padding padding = resolve_padding(node, in);
    const std::uint64_t height =
        window_count(in.height, padding.top, padding.bottom, vertical(node));
    const std::uint64_t width =
        window_count(in.width, padding.left, padding.right, horizontal(node));
    if (height == 0 || width == 0) {
        return log.fail(on_misfit, "%s: its %u x %u window does not fit its %u x %u input",
                        NodeLabel(graph, index).text, node.kernel_height, node.kernel_width,
                        in.height, in.width);
    }
    return set(index, height, width, channels);
}

fovea_status Inference::concat(std::uint32_t index, const Node& node) const {
    const Shape& first = input(node, 0);
    std::uint64_t channels = 0;
    for (std::uint32_t i = 0; i < node.operand_count; ++i) {
        const Shape& in = input(node, i);
        if (in.height != first.height || in.width != first.width) {
            return log.fail(on_misfit, "%s: operand 0 is %u x %u and operand %u is %u x %u",
                            NodeLabel(graph, index).text, first.height, first.width, i, in.height,
                            in.width);
        }
        channels += in.channels;
    }
    return set(index, first.height, first.width, channels);
}

fovea_status Inference::binary(std::uint32_t index, const Node& node) const {
    const Shape& left = input(node, 0);
    const Shape& right = input(node, 1);
    const bool same_map = right.height == left.height && right.width == left.width;
    const bool same_channels = right.channels == left.channels;
    const bool fits = (same_map || right.is_vector()) && (same_channels || right.channels == 1);
    if (!fits) {
        return log.fail(on_misfit, "%s: %u x %u x %u cannot be broadcast to %u x %u x %u",
                        NodeLabel(graph, index).text, right.height, right.width, right.channels,
                        left.height, left.width, left.channels);
    }
    const bool codes = is_code(graph.quantisation_of(index + 1).type);
    if (codes && node.kind == NodeKind::kAdd && !(left == right)) {
        return misfit(index, "codes are added to codes of the same shape only");
    }
    if (codes && node.kind == NodeKind::kMultiply && (!right.is_vector() || !same_channels)) {
        return misfit(index, "codes are multiplied by a vector of their channels only");
    }
    return set(index, left.height, left.width, left.channels);
}

fovea_status Inference::infer(std::uint32_t index, const Node& node) const {
    const Shape& in = input(node, 0);
    // The channels that the constants were made for.
    std::uint64_t expected = in.channels;
    if (node.kind == NodeKind::kConvolution) {
        expected = std::uint64_t{graph.tensors[node.weights].dimensions[2]} * node.groups;
    } else if (node.kind == NodeKind::kDepthwise || node.kind == NodeKind::kDense) {
        expected = graph.tensors[node.weights].dimensions[2];
    } else if (node.kind == NodeKind::kAffine) {
        expected = graph.tensors[node.weights].dimensions[0];
    }
    if (expected != in.channels) {
        return log.fail(on_misfit, "%s: its weights are for %llu channels, its input has %u",
                        NodeLabel(graph, index).text, static_cast<unsigned long long>(expected),
                        in.channels);
    }
    const Quantisation codes = graph.quantisation_of(index + 1);
    const std::uint64_t made = node.output_channels != 0 ? node.output_channels : in.channels;
    if (is_code(codes.type) && graph.tensors[codes.scale].dimensions[0] != made) {
        return log.fail(on_misfit, "%s: the scales of its codes are for %u channels, it has %llu", NodeLabel(graph, index).text,
                        graph.tensors[codes.scale].dimensions[0], static_cast<unsigned long long>(made));
    }
    if (!is_code(codes.type) && codes.multiplier != kNone && !in.is_vector()) {
        return misfit(index, "8-bit weights without codes are for a vector only");
    }
    switch (node.kind) {
        case NodeKind::kConvolution:
            return windowed(index, node, node.output_channels);
        case NodeKind::kDepthwise:
            return windowed(index, node, in.channels);
        case NodeKind::kPool:
            return windowed(index, node, in.channels);
        case NodeKind::kDense:
            if (!in.is_vector()) return misfit(index, "its input is not a vector");
            return set(index, 1, 1, node.output_channels);
        case NodeKind::kSoftmax:
            if (!in.is_vector()) return misfit(index, "its input is not a vector");
            return set(index, 1, 1, in.channels);
        case NodeKind::kGlobalPool:
            return set(index, 1, 1, in.channels);
        case NodeKind::kChannelReduce:
            return set(index, in.height, in.width, 1);
        case NodeKind::kConcat:
            return concat(index, node);
        case NodeKind::kAdd:
        case NodeKind::kMultiply:
            return binary(index, node);
        case NodeKind::kAffine:
        case NodeKind::kActivation:
        case NodeKind::kLrn:
            return set(index, in.height, in.width, in.channels);
        case NodeKind::kReshape:
            return set(index, 1, 1, in.count());
        case NodeKind::kPad:
            return set(index, std::uint64_t{in.height} + node.padding.top + node.padding.bottom,
                       std::uint64_t{in.width} + node.padding.left + node.padding.right,
                       in.channels);
    }
    return misfit(index, "unknown kind");
}

}  // namespace

const char* node_kind_name(NodeKind kind) {
    switch (kind) {
#define FOVEA_KIND_NAME(number, kind, text, operation) \
    case NodeKind::kind:                               \
        return text;
        FOVEA_NODE_KINDS(FOVEA_KIND_NAME)
#undef FOVEA_KIND_NAME
    }
    return "unknown";
}

bool Graph::has_weights_of(ElementType type) const {
    return std::any_of(tensors.begin(), tensors.end(),
                       [type](const Tensor& tensor) { return tensor.type == type; });
}

const char* Graph::name_of(std::uint32_t node) const {
    const LayerName* found =
        std::lower_bound(names.begin(), names.end(), node,
                         [](const LayerName& name, std::uint32_t n) { return name.node < n; });
    return found != names.end() && found->node == node ? found->text : nullptr;
}

std::uint32_t Graph::find_layer(const char* name) const {
    const std::uint32_t* found = std::lower_bound(
        names_by_text.begin(), names_by_text.end(), name,
        [this](std::uint32_t i, const char* text) { return std::strcmp(names[i].text, text) < 0; });
    if (found == names_by_text.end() || std::strcmp(names[*found].text, name) != 0) return kNone;
    return names[*found].node;
}

NodeLabel::NodeLabel(const Graph& graph, std::uint32_t node) {
    const char* kind = node_kind_name(graph.nodes[node].kind);
    if (const char* name = graph.name_of(node)) {
        std::snprintf(text, sizeof(text), "layer '%.200s' (%s)", name, kind);
    } else {
        std::snprintf(text, sizeof(text), "node %u (%s)", node, kind);
    }
}

Padding resolve_padding(const Node& node, const Shape& input) {
    if (!node.same_padding) return node.padding;
    const auto vertical_total =
        static_cast<std::uint32_t>(same_padding_total(input.height, vertical(node)));
    const auto horizontal_total =
        static_cast<std::uint32_t>(same_padding_total(input.width, horizontal(node)));
    return {vertical_total / 2, horizontal_total / 2, vertical_total - vertical_total / 2,
            horizontal_total - horizontal_total / 2};
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

fovea_status infer_shapes(const Graph& graph, std::uint32_t height, std::uint32_t width,
                          fovea_status on_misfit, const Log& log, Buffer<Shape>* shapes) {
    if (height == 0 || width == 0 || height > kMaxInputSide || width > kMaxInputSide) {
        return log.fail(on_misfit, "an input of %u x %u pixels is outside 1 to %u", height, width,
                        kMaxInputSide);
    }
    if ((graph.input_height != 0 && graph.input_height != height) ||
        (graph.input_width != 0 && graph.input_width != width)) {
        return log.fail(on_misfit, "the network's input is %u x %u pixels (0 = any), not %u x %u",
                        graph.input_height, graph.input_width, height, width);
    }
    if (std::size_t{height} * width * graph.input_channels > kMaxValueElements) {
        return log.fail(on_misfit, "an input of %u x %u pixels is too large", height, width);
    }
    if (!shapes->allocate(graph.value_count())) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for %u shapes",
                        graph.value_count());
    }
    (*shapes)[0] = {height, width, graph.input_channels};
    const Inference inference{graph, log, on_misfit, *shapes};
    for (std::uint32_t i = 0; i < graph.node_count(); ++i) {
        const fovea_status status = inference.infer(i, graph.nodes[i]);
        if (status != FOVEA_OK) return status;
    }
    if (!(*shapes)[graph.logits].is_vector()) {
        return log.fail(on_misfit, "%s gives the logits, but not as a vector",
                        NodeLabel(graph, graph.logits - 1).text);
    }
    return FOVEA_OK;
}

std::uint64_t multiply_adds(const Graph& graph, const Node& node, const Shape& output) {
    switch (node.kind) {
        case NodeKind::kConvolution:
        case NodeKind::kDense: {
            const std::uint32_t* d = graph.tensors[node.weights].dimensions;
            return std::uint64_t{output.count()} * d[0] * d[1] * d[2];
        }
        case NodeKind::kDepthwise:
            return std::uint64_t{output.count()} * node.kernel_height * node.kernel_width;
        default:
            return 0;
    }
}

}  // namespace fovea
