// SPDX-License-Identifier: Apache-2.0
#include "engine/explain/float_twin.h"

#include <algorithm>

#include "engine/align.h"

namespace fovea {
namespace {

std::size_t in_lines(std::size_t floats) {
    return static_cast<std::size_t>(align_up(floats * sizeof(float)) / sizeof(float));
}

bool has_whole_weights(const Graph& graph, const Node& node) {
    return node.weights != kNone && graph.tensors[node.weights].type == ElementType::kI8;
}

// What makes codes of floats, or floats of codes, and nothing else.
bool only_converts(const Graph& graph, std::uint32_t index) {
    const Node& node = graph.nodes[index];
    if (node.kind != NodeKind::kActivation || node.activation != ops::Activation::kNone) return false;
    return is_code(graph.quantisation_of(index + 1).type) || is_code(graph.quantisation_of(graph.operand(node, 0)).type);
}

// A layer with weights of 8 bits, and its weights as floats.
class WholeLayer {
  public:
    WholeLayer(const Graph& graph, std::uint32_t index)
        : graph_(graph),
          node_(graph.nodes[index]),
          weights_(graph.tensors[node_.weights]),
          made_(graph.quantisation_of(index + 1)),
          read_(graph.quantisation_of(graph.operand(node_, 0))),
          taps_(std::size_t{weights_.dimensions[0]} * weights_.dimensions[1]),
          inputs_(weights_.dimensions[2]) {}

    bool of_codes() const { return is_code(made_.type); }
    std::size_t outputs() const { return node_.output_channels; }
    std::size_t bias_count() const { return of_codes() ? round_up_8(node_.output_channels) : 0; }
    Packing packing() const { return weights_.packing == Packing::kCodePanels ? Packing::kConvPanels : weights_.packing; }
    // Padding lanes included.
    std::size_t count() const {
        return weights_.packing == Packing::kCodePanels ? round_up_8(node_.output_channels) * taps_ * inputs_ : weights_.size;
    }

    void write(float* weights, float* bias) const {
        std::fill_n(weights, count(), 0.0f);
        std::fill_n(bias, bias_count(), 0.0f);
        switch (weights_.packing) {
            case Packing::kCodePanels:
                return write_code_panels(weights, bias);
            case Packing::kDepthwise:
                return write_depthwise(weights, bias);
            default:
                return write_panels(weights);
        }
    }

  private:
    // What a sum of 1 is before the activation.
    double sum_scale(std::size_t o) const {
        const double multiplier = graph_.tensors[made_.multiplier].floats()[o];
        // For hard-swish the kernel makes reals of its sums, for the others codes of the result.
        return node_.activation == ops::Activation::kHardSwish ? multiplier : multiplier * graph_.tensors[made_.scale].floats()[o];
    }
    // The sum begins with what all inputs at their zero points, which stand for 0, add to it.
    float bias_of(std::size_t o, std::int64_t at_zero) const {
        return static_cast<float>(static_cast<double>(graph_.tensors[node_.bias].integers()[o] + at_zero) * sum_scale(o));
    }
    float real(std::int8_t weight, std::size_t o, std::size_t input) const {
        return static_cast<float>(weight * sum_scale(o) / static_cast<double>(graph_.tensors[read_.scale].floats()[input]));
    }
    std::int64_t zero(std::size_t input) const { return graph_.tensors[read_.zero].integers()[input]; }

    void write_code_panels(float* weights, float* bias) const {
        const std::size_t fours = (inputs_ + 3) / 4;
        for (std::size_t o = 0; o < outputs(); ++o) {
            std::int64_t at_zero = 0;
            for (std::size_t tap = 0; tap < taps_; ++tap) {
                const std::size_t panel = o / 8 * taps_ + tap;
                for (std::size_t i = 0; i < inputs_; ++i) {
                    const std::int8_t weight = weights_.bytes()[(panel * fours + i / 4) * 32 + o % 8 * 4 + i % 4];
                    weights[(panel * inputs_ + i) * 8 + o % 8] = real(weight, o, i);
                    at_zero += weight * zero(i);
                }
            }
            bias[o] = bias_of(o, at_zero);
        }
    }

    void write_depthwise(float* weights, float* bias) const {
        const std::size_t stride = round_up_8(node_.output_channels);
        for (std::size_t c = 0; c < outputs(); ++c) {
            std::int64_t at_zero = 0;
            for (std::size_t tap = 0; tap < taps_; ++tap) {
                const std::int8_t weight = weights_.bytes()[tap * stride + c];
                weights[tap * stride + c] = real(weight, c, c);
                at_zero += weight * zero(c);
            }
            bias[c] = bias_of(c, at_zero);
        }
    }

    // Of a layer of floats: its inputs and its bias are floats already.
    void write_panels(float* weights) const {
        const std::size_t of_group = outputs() / std::max(node_.groups, 1u);
        const std::size_t panels = (of_group + 7) / 8, elements = taps_ * inputs_ * 8;
        for (std::size_t at = 0; at < weights_.size; ++at) {
            const std::size_t panel = at / elements;
            const std::size_t within = panel % panels * 8 + at % 8;
            if (within >= of_group) continue;
            weights[at] = static_cast<float>(weights_.bytes()[at]) *
                          graph_.tensors[made_.multiplier].floats()[panel / panels * of_group + within];
        }
    }

    const Graph& graph_;
    const Node& node_;
    const Tensor& weights_;
    const Quantisation made_, read_;
    const std::size_t taps_, inputs_;
};

// The rooms of all that is made; false when out of memory.
bool make_room(const Graph& codes, FloatTwin* twin) {
    std::size_t nodes = 0, layers = 0, floats = 0, names = 0;
    for (std::uint32_t i = 0; i < codes.node_count(); ++i) {
        nodes += only_converts(codes, i) ? 0 : 1;
        if (!has_whole_weights(codes, codes.nodes[i])) continue;
        const WholeLayer layer(codes, i);
        ++layers;
        floats += in_lines(layer.count()) + in_lines(layer.bias_count());
    }
    for (const LayerName& name : codes.names) names += only_converts(codes, name.node) ? 0 : 1;
    return twin->graph.nodes.allocate(nodes) && twin->graph.names.allocate(names) && twin->graph.operands.allocate(codes.operands.size()) &&
           twin->graph.tensors.allocate(codes.tensors.size() + 2 * layers) && twin->constants.allocate(floats) &&
           twin->values.allocate(codes.value_count());
}

}  // namespace

FloatTwin::FloatTwin(const Allocator& allocator) : values(allocator), constants(allocator) {
    graph.nodes = Buffer<Node>(allocator);
    graph.operands = Buffer<std::uint32_t>(allocator);
    graph.names = Buffer<LayerName>(allocator);
    graph.tensors = Buffer<Tensor>(allocator);
}

fovea_status make_float_twin(const Graph& codes, const Log& log, FloatTwin* twin) {
    if (!make_room(codes, twin)) return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the weights as floats");
    Graph& graph = twin->graph;
    std::copy(codes.tensors.begin(), codes.tensors.end(), graph.tensors.begin());
    auto tensors = static_cast<std::uint32_t>(codes.tensors.size());
    float* place = twin->constants.data();
    const auto add_tensor = [&](Packing packing, const std::uint32_t (&d)[4], std::size_t count) {
        graph.tensors[tensors] = {ElementType::kF32, packing, {d[0], d[1], d[2], d[3]}, reinterpret_cast<const std::uint8_t*>(place),
                                  count * sizeof(float)};
        place += in_lines(count);
        return tensors++;
    };
    std::uint32_t made = 0, operands = 0;
    twin->values[0] = 0;
    for (std::uint32_t i = 0; i < codes.node_count(); ++i) {
        const Node& node = codes.nodes[i];
        if (only_converts(codes, i)) {
            twin->values[i + 1] = twin->values[codes.operand(node, 0)];
            continue;
        }
        Node& copied = graph.nodes[made];
        copied = node;
        copied.first_operand = operands;
        for (std::uint32_t k = 0; k < node.operand_count; ++k) graph.operands[operands++] = twin->values[codes.operand(node, k)];
        twin->values[i + 1] = ++made;
        if (!has_whole_weights(codes, node)) continue;
        const WholeLayer layer(codes, i);
        float* const bias = place + in_lines(layer.count());
        layer.write(place, bias);
        copied.weights = add_tensor(layer.packing(), codes.tensors[node.weights].dimensions, layer.count());
        if (layer.of_codes()) copied.bias = add_tensor(Packing::kVector, {node.output_channels, 1, 1, 1}, layer.bias_count());
    }
    std::uint32_t names = 0;
    for (const LayerName& name : codes.names) {
        if (!only_converts(codes, name.node)) graph.names[names++] = {name.text, twin->values[name.node + 1] - 1};
    }
    graph.input_height = codes.input_height;
    graph.input_width = codes.input_width;
    graph.input_channels = codes.input_channels;
    graph.default_height = codes.default_height;
    graph.default_width = codes.default_width;
    graph.logits = twin->values[codes.logits];
    graph.probabilities = twin->values[codes.probabilities];
    return FOVEA_OK;
}

}  // namespace fovea
