// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/log.h"
#include "engine/model/node_kinds.h"
#include "fovea/fovea.h"
#include "ops/activation.h"
#include "preprocess/memory.h"

namespace fovea {

inline constexpr std::uint32_t kNone = 0xFFFFFFFFu;

// Largest number of elements of one value: keeps every byte count and int of a kernel far from
// overflow while leaving 4 GiB of floats for a single map.
inline constexpr std::size_t kMaxValueElements = std::size_t{1} << 30;
inline constexpr std::uint32_t kMaxInputSide = 65536;

// The numbers are those of models/FORMAT.md.
#define FOVEA_NODE_KIND(number, kind, text, operation) kind = number,
enum class NodeKind : std::uint32_t { FOVEA_NODE_KINDS(FOVEA_NODE_KIND) };
#undef FOVEA_NODE_KIND
#define FOVEA_COUNT_KIND(number, kind, text, operation) +1
inline constexpr std::uint32_t kNodeKinds = 0 FOVEA_NODE_KINDS(FOVEA_COUNT_KIND);  // numbered from 1
#undef FOVEA_COUNT_KIND

const char* node_kind_name(NodeKind kind);

// The first four are those of tensors, the last two of codes (ops/codes.h), which maps may be made of.
enum class ElementType : std::uint32_t { kF32 = 0, kF16 = 1, kI8 = 2, kI32 = 3, kU8 = 4, kS16 = 5 };
inline constexpr bool is_code(ElementType type) {
    return type == ElementType::kU8 || type == ElementType::kS16;
}
inline std::uint32_t element_bytes(ElementType type) {
    switch (type) {
        case ElementType::kF32:
        case ElementType::kI32:
            return 4;
        case ElementType::kF16:
        case ElementType::kS16:
            return 2;
        case ElementType::kI8:
        case ElementType::kU8:
            break;
    }
    return 1;
}
enum class Packing : std::uint32_t { kVector = 0, kConvPanels = 1, kDepthwise = 2, kCodePanels = 3 };

// A constant of the file, in place.
struct Tensor {
    ElementType type;
    Packing packing;
    std::uint32_t dimensions[4];
    const std::uint8_t* data;  // 64-byte aligned
    std::size_t size;          // bytes

    const float* floats() const { return reinterpret_cast<const float*>(data); }
    const std::int32_t* integers() const { return reinterpret_cast<const std::int32_t*>(data); }
    const std::int8_t* bytes() const { return reinterpret_cast<const std::int8_t*>(data); }
    const std::uint16_t* halves() const { return reinterpret_cast<const std::uint16_t*>(data); }
};

struct Padding {
    std::uint32_t top, left, bottom, right;
};

struct Node {
    NodeKind kind;
    ops::Activation activation;
    float activation_parameter;
    std::uint32_t first_operand, operand_count;
    std::uint32_t weights, bias;  // tensors or kNone
    std::uint32_t kernel_height, kernel_width;
    std::uint32_t stride_y, stride_x;
    std::uint32_t dilation_y, dilation_x;
    bool same_padding;  // worked out from the input size instead of `padding`
    Padding padding;
    std::uint32_t groups;
    std::uint32_t output_channels;
    std::uint32_t variant;
};

// That a node's result is made of codes, and by what constants (tensors), or of floats with 8-bit weights, which the multiplier
// scales: section QUNT. Of any other node the type is kF32 and there are no constants.
struct Quantisation {
    ElementType type = ElementType::kF32;
    std::uint32_t scale = kNone, zero = kNone;  // what a code means: (code - zero) * scale
    std::uint32_t multiplier = kNone, second_multiplier = kNone, offset = kNone;
};

struct LayerName {
    const char* text;
    std::uint32_t node;
};

// The network as the file says it: immutable after loading. Value 0 is the input, value n + 1 the
// output of node n; operands of a node are values made before it.
struct Graph {
    Buffer<Node> nodes;
    Buffer<std::uint32_t> operands;
    Buffer<LayerName> names;  // sorted by node
    Buffer<std::uint32_t> names_by_text;  // places in names, sorted by what they say
    Buffer<Tensor> tensors;
    Buffer<Quantisation> quantisations;  // by node; empty where nothing is made of codes
    std::uint32_t input_height = 0, input_width = 0;  // 0 = any
    std::uint32_t input_channels = 0;
    std::uint32_t default_height = 0, default_width = 0;
    std::uint32_t logits = 0, probabilities = 0;  // values

    std::uint32_t node_count() const { return static_cast<std::uint32_t>(nodes.size()); }
    std::uint32_t value_count() const { return node_count() + 1; }
    std::uint32_t operand(const Node& node, std::uint32_t i) const {
        return operands[node.first_operand + i];
    }
    bool has_codes() const { return quantisations.size() != 0; }
    // What the value's elements are in the file's words: codes, or floats of whatever precision the plan chooses.
    Quantisation quantisation_of(std::uint32_t value) const {
        return value == 0 || !has_codes() ? Quantisation() : quantisations[value - 1];
    }
    // Whether the file holds weights of that type.
    bool has_weights_of(ElementType type) const;
    // What the file's numbers are, as tools name them.
    const char* type_name() const {
        return has_codes() ? "int8" : has_weights_of(ElementType::kF16) ? "fp16" : "fp32";
    }
    // The first layer name of the node, or null.
    const char* name_of(std::uint32_t node) const;
    // The node that a layer name means, or kNone.
    std::uint32_t find_layer(const char* name) const;
};

struct Shape {
    std::uint32_t height = 0, width = 0, channels = 0;

    std::size_t pixels() const { return std::size_t{height} * width; }
    std::size_t count() const { return pixels() * channels; }
    bool is_vector() const { return height == 1 && width == 1; }
    bool operator==(const Shape&) const = default;
};

// How a message names a node: "layer 'Conv_1/BatchNorm' (convolution)" or "node 17 (add)".
struct NodeLabel {
    NodeLabel(const Graph& graph, std::uint32_t node);
    char text[256];
};

// The node's padding for this input, "same" worked out.
Padding resolve_padding(const Node& node, const Shape& input);

// A convolution that is a matrix product over the pixels.
bool is_pointwise_node(const Node& node);

// A pool of the whole map, named so or by a window of the map's size.
bool is_global_pool_node(const Node& node, const Shape& map);

// The shape of every value (shapes gets value_count() entries) for an input of that size. On
// failure the log names the layer and the status is on_misfit (the sizes do not fit: which status
// that is depends on who chose the size) or FOVEA_ERROR_OUT_OF_MEMORY.
fovea_status infer_shapes(const Graph& graph, std::uint32_t height, std::uint32_t width,
                          fovea_status on_misfit, const Log& log, Buffer<Shape>* shapes);

// Multiplications with their additions that a node does (convolutions and dense layers).
std::uint64_t multiply_adds(const Graph& graph, const Node& node, const Shape& output);

}  // namespace fovea
