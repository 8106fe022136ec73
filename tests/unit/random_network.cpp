// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/random_network.h"

#include <cmath>

namespace random_network {
namespace {

using namespace model_builder;
using naive_network::Value;

struct Maker {
    std::mt19937& random;
    RandomNetwork made;

    std::uint32_t below(std::uint32_t n) { return random() % n; }
    bool chance(int percent) { return below(100) < static_cast<std::uint32_t>(percent); }
    std::vector<float> floats(std::size_t count, float scale) {
        std::uniform_real_distribution<float> uniform(-scale, scale);
        std::vector<float> values(count);
        for (float& v : values) v = uniform(random);
        return values;
    }

    // A value of the last few: keeps some short- and some long-lived.
    std::uint32_t pick() {
        const auto count = static_cast<std::uint32_t>(made.values.size());
        return chance(70) ? count - 1 - below(std::min(count, 4u)) : below(count);
    }

    void set_window(NodeSpec* node) {
        node->kernel_height = 1 + below(4);
        node->kernel_width = 1 + below(4);
        node->stride_y = 1 + below(2);
        node->stride_x = 1 + below(2);
        if (node->kind != kPool) {
            node->dilation_y = 1 + below(2);
            node->dilation_x = 1 + below(2);
        }
        node->same_padding = chance(50);
        if (!node->same_padding) {
            node->top = below(3);
            node->left = below(3);
            node->bottom = below(3);
            node->right = below(3);
        }
    }

    void set_activation(NodeSpec* node) {
        if (chance(50)) return;
        node->activation = below(13);
        if (node->activation == kLeakyRelu || node->activation == kElu) node->parameter = 0.3f;
    }

    // A pointwise convolution that keeps the channels, or, when the newest value is that of one,
    // its addition to what it was made of; or a global pool's product with its map, and a pointwise
    // convolution of that; or a convolution of a rescaling: random choice alone would hardly ever
    // make these.
    NodeSpec propose_follower();
    // Whether the newest value is a global pool, a product or rescaled.
    bool follows() const {
        if (made.spec.nodes.empty()) return false;
        const Kind last = made.spec.nodes.back().kind;
        return last == kGlobalPool || last == kMultiply || last == kAffine;
    }
    NodeSpec propose();
    bool fits(const NodeSpec& node) const;
    void add(NodeSpec node);

    void begin();
    // Adds the node if it fits and is usable: what it makes, or 0.
    std::uint32_t try_to_add(const NodeSpec& node);
    std::uint32_t add_part(std::uint32_t value);
    std::uint32_t add_block(std::uint32_t value);
    RandomNetwork finish();
};

NodeSpec Maker::propose_follower() {
    NodeSpec node;
    if (!made.spec.nodes.empty()) {
        const NodeSpec& last = made.spec.nodes.back();
        const auto newest = static_cast<std::uint32_t>(made.spec.nodes.size());
        const std::uint32_t before = last.inputs[0];
        if (last.kind == kConvolution &&
            made.values[newest].data.size() == made.values[before].data.size()) {
            node.kind = kAdd;
            node.inputs = {newest, before};
            if (chance(50)) std::swap(node.inputs[0], node.inputs[1]);
            set_activation(&node);
            return node;
        }
        if (last.kind == kGlobalPool) {
            node.kind = kMultiply;
            node.inputs = {before, newest};
            return node;
        }
    }
    node.kind = kConvolution;
    node.inputs = {follows() ? static_cast<std::uint32_t>(made.spec.nodes.size()) : pick()};
    node.output_channels = static_cast<std::uint32_t>(made.values[node.inputs[0]].channels);
    node.groups = node.kernel_height = node.kernel_width = 1;
    node.stride_y = node.stride_x = node.dilation_y = node.dilation_x = 1;
    if (follows() && made.spec.nodes.back().kind == kAffine) {
        set_window(&node);
        set_activation(&node);
    }
    node.weights = floats(std::size_t{node.kernel_height} * node.kernel_width *
                              node.output_channels * node.output_channels,
                          0.3f);
    return node;
}

NodeSpec Maker::propose() {
    if (chance(25) || (follows() && chance(50))) return propose_follower();
    NodeSpec node;
    node.kind = static_cast<Kind>(1 + below(14));
    node.inputs = {pick()};
    const Value& in = made.values[node.inputs[0]];
    const auto channels = static_cast<std::uint32_t>(in.channels);
    const float fan_in_scale = 1.0f / std::sqrt(static_cast<float>(channels));
    switch (node.kind) {
        case kConvolution:
            node.output_channels = 1 + below(20);
            node.groups = 1;
            if (chance(50)) {  // as most are in practice
                node.kernel_height = node.kernel_width = 1;
                node.stride_y = node.stride_x = node.dilation_y = node.dilation_x = 1;
            } else {
                set_window(&node);
                if (chance(30)) {
                    node.groups = channels % 3 == 0 ? 3 : channels % 2 == 0 ? 2 : 1;
                    node.output_channels = node.groups * (1 + below(10));
                }
            }
            if (chance(40)) node.output_channels = channels / node.groups * node.groups;
            node.weights = floats(std::size_t{node.kernel_height} * node.kernel_width * channels /
                                      node.groups * node.output_channels,
                                  fan_in_scale);
            if (chance(70)) node.bias = floats(node.output_channels, 0.5f);
            break;
        case kDepthwise:
            set_window(&node);
            node.output_channels = channels;
            node.weights =
                floats(std::size_t{node.kernel_height} * node.kernel_width * channels, 0.5f);
            if (chance(70)) node.bias = floats(channels, 0.5f);
            break;
        case kDense:
            node.output_channels = 1 + below(20);
            node.weights = floats(std::size_t{channels} * node.output_channels, fan_in_scale);
            if (chance(70)) node.bias = floats(node.output_channels, 0.5f);
            break;
        case kPool:
            set_window(&node);
            node.variant = below(3);
            break;
        case kGlobalPool:
        case kChannelReduce:
            node.variant = below(2);
            break;
        case kConcat:
            for (std::uint32_t more = 1 + below(3); more > 0; --more) node.inputs.push_back(pick());
            break;
        case kAdd:
        case kMultiply:
            node.inputs.push_back(pick());
            break;
        case kAffine:
            node.weights = floats(channels, 1.0f);
            node.bias = floats(channels, 0.5f);
            break;
        case kPad:
            node.top = below(3);
            node.left = below(3);
            node.bottom = below(3);
            node.right = below(3);
            break;
        default:
            break;
    }
    if (node.kind != kSoftmax) set_activation(&node);
    return node;
}

bool Maker::fits(const NodeSpec& node) const {
    const Value& in = made.values[node.inputs[0]];
    const bool vector = in.height == 1 && in.width == 1;
    switch (node.kind) {
        case kConvolution:
        case kDepthwise:
        case kPool: {
            if (node.same_padding) return true;
            const std::uint32_t extent_y =
                (node.kernel_height - 1) * std::max(node.dilation_y, 1u) + 1;
            const std::uint32_t extent_x =
                (node.kernel_width - 1) * std::max(node.dilation_x, 1u) + 1;
            return in.height + node.top + node.bottom >= extent_y &&
                   in.width + node.left + node.right >= extent_x;
        }
        case kDense:
        case kSoftmax:
            return vector;
        case kConcat:
            for (const std::uint32_t v : node.inputs) {
                if (made.values[v].height != in.height || made.values[v].width != in.width)
                    return false;
            }
            return true;
        case kAdd:
        case kMultiply: {
            const Value& right = made.values[node.inputs[1]];
            const bool same_map = right.height == in.height && right.width == in.width;
            return (same_map || (right.height == 1 && right.width == 1)) &&
                   (right.channels == in.channels || right.channels == 1);
        }
        default:
            return true;
    }
}

void Maker::add(NodeSpec node) {
    node.name = "n" + std::to_string(made.spec.nodes.size());
    made.spec.add(std::move(node));
}

void Maker::begin() {
    ModelSpec& spec = made.spec;
    spec.input_channels = 1 + below(4);
    spec.input_height = spec.input_width = 0;
    spec.default_height = chance(15) ? 1 : 1 + below(14);
    spec.default_width = chance(15) ? 1 : 1 + below(14);
    Value& input = made.input;
    input = {spec.default_height, spec.default_width, spec.input_channels, {}};
    input.data.resize(input.height * input.width * input.channels);
    for (double& v : input.data) v = below(256);
    made.values = {input};
    if (!chance(70)) return;
    // As real networks begin.
    add({.kind = kAffine,
         .inputs = {0},
         .weights = std::vector<float>(spec.input_channels, 1 / 127.5f),
         .bias = std::vector<float>(spec.input_channels, -1.0f)});
    made.values = naive_network::run(spec, input);
}

std::uint32_t Maker::try_to_add(const NodeSpec& node) {
    if (!fits(node)) return 0;
    add(node);
    std::vector<Value> values = naive_network::run(made.spec, made.input);
    // Neither large tensors nor numbers whose float32 error says nothing.
    bool usable = values.back().data.size() <= 6000 && values.back().channels <= 400;
    for (const double v : values.back().data) usable = usable && std::fabs(v) < 2000;
    if (!usable) {
        made.spec.nodes.pop_back();
        return 0;
    }
    made.values = std::move(values);
    return static_cast<std::uint32_t>(made.spec.nodes.size());
}

// A map as high and wide as the value, made of it; the value itself where nothing fits.
std::uint32_t Maker::add_part(std::uint32_t value) {
    const auto channels = static_cast<std::uint32_t>(made.values[value].channels);
    const auto convolution = [&](std::uint32_t input, std::uint32_t side, std::uint32_t outputs, std::uint32_t groups) {
        const auto inputs = static_cast<std::uint32_t>(made.values[input].channels);
        NodeSpec node = {.kind = kConvolution, .inputs = {input}};
        node.kernel_height = node.kernel_width = side;
        node.stride_y = node.stride_x = node.dilation_y = node.dilation_x = 1;
        node.same_padding = side > 1;
        node.groups = groups;
        node.output_channels = outputs;
        node.weights = floats(std::size_t{side} * side * inputs / groups * outputs, 0.5f / std::sqrt(static_cast<float>(inputs)));
        if (chance(70)) node.bias = floats(outputs, 0.5f);
        return node;
    };
    const auto add_activated = [&](NodeSpec node) {
        set_activation(&node);
        const std::uint32_t added = try_to_add(node);
        return added != 0 ? added : value;
    };
    NodeSpec window = {.kind = kPool, .inputs = {value}, .kernel_height = 3, .kernel_width = 3};
    window.stride_y = window.stride_x = 1;
    window.same_padding = true;
    switch (below(13)) {
        case 0:
            return value;
        case 1:
            return add_activated(convolution(value, 1, 1 + below(10), 1));
        case 2:
            return add_activated(convolution(value, 3, 1 + below(10), 1));
        case 3:
            return add_activated(convolution(value, 3, channels * (1 + below(2)), channels % 2 == 0 ? 2 : 1));
        case 4:
            window.kind = kDepthwise;
            window.dilation_y = window.dilation_x = 1 + below(2);
            window.output_channels = channels;
            window.weights = floats(std::size_t{9} * channels, 0.4f);
            return add_activated(window);
        case 5:
            window.variant = below(3);
            return add_activated(window);
        case 6:
            return add_activated({.kind = kChannelReduce, .inputs = {value}, .variant = below(2)});
        case 7:
            return add_activated({.kind = kAffine, .inputs = {value}, .weights = floats(channels, 1.0f), .bias = floats(channels, 0.5f)});
        case 8:
            return add_activated({.kind = kActivation, .inputs = {value}});
        case 9: {  // padded, and as large as before
            NodeSpec pad = {.kind = kPad, .inputs = {value}};
            pad.top = pad.bottom = pad.left = pad.right = 1;
            NodeSpec valid = convolution(value, 3, 1 + below(10), 1);
            valid.same_padding = false;
            valid.inputs = {try_to_add(pad)};
            return valid.inputs[0] != 0 ? add_activated(valid) : value;
        }
        case 10: {  // an addition that a convolution makes
            const std::uint32_t made_of_it = try_to_add(convolution(value, 1, channels, 1));
            return made_of_it != 0 ? add_activated({.kind = kAdd, .inputs = {value, made_of_it}}) : value;
        }
        case 11: {  // and one that none makes
            const std::uint32_t other = add_part(value);
            const bool alike = made.values[other].channels == channels;
            return alike ? add_activated({.kind = kAdd, .inputs = {other, value}}) : other;
        }
        default: {  // gated
            const std::uint32_t gate = try_to_add({.kind = kGlobalPool, .inputs = {value}, .variant = below(2)});
            return gate != 0 ? add_activated({.kind = kMultiply, .inputs = {value, gate}}) : value;
        }
    }
}

// Parts of the value, of one another or of something earlier, joined; then something that reads rows around its own.
std::uint32_t Maker::add_block(std::uint32_t value) {
    NodeSpec join = {.kind = kConcat, .inputs = {add_part(value)}};
    for (std::uint32_t more = 1 + below(3); more > 0; --more) {
        join.inputs.push_back(add_part(chance(60) ? value : join.inputs[below(static_cast<std::uint32_t>(join.inputs.size()))]));
    }
    if (chance(30)) set_activation(&join);
    const std::uint32_t joined = try_to_add(join);
    if (joined == 0) return value;
    const std::uint32_t part = join.inputs[below(static_cast<std::uint32_t>(join.inputs.size()))];
    if (chance(25)) {  // a part is read after all are joined, and together with them
        const std::uint32_t after = add_part(part);
        const std::uint32_t again = try_to_add({.kind = kConcat, .inputs = {joined, after}});
        if (again != 0) return again;
    }
    return made.values[joined].channels > 24 || chance(50) ? add_part(joined) : joined;
}

RandomNetwork Maker::finish() {
    ModelSpec& spec = made.spec;
    const auto last = static_cast<std::uint32_t>(spec.nodes.size());
    const auto channels = static_cast<std::uint32_t>(made.values[last].channels);
    add({.kind = kGlobalPool, .inputs = {last}});
    add({.kind = kDense,
         .inputs = {last + 1},
         .weights = floats(std::size_t{channels} * 3, 0.1f / std::sqrt(static_cast<float>(channels))),
         .bias = floats(3, 0.5f),
         .output_channels = 3});
    add({.kind = kSoftmax, .inputs = {last + 2}});
    spec.logits = last + 2;
    spec.probabilities = last + 3;
    spec.target = 0;
    spec.classes = {"a", "b", "c"};
    made.values = naive_network::run(spec, made.input);
    return made;
}

}  // namespace

RandomNetwork make(std::mt19937& random, int size) {
    Maker maker{random, {}};
    maker.begin();
    for (int tries = 0; static_cast<int>(maker.made.spec.nodes.size()) < size && tries < 100 * size; ++tries) {
        maker.try_to_add(maker.propose());
    }
    return maker.finish();
}

RandomNetwork make_joined(std::mt19937& random, int blocks) {
    Maker maker{random, {}};
    maker.begin();
    std::uint32_t value = static_cast<std::uint32_t>(maker.made.spec.nodes.size());
    for (int block = 0; block < blocks; ++block) value = maker.add_block(value);
    return maker.finish();
}

}  // namespace random_network
