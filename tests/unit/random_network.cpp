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
    // convolution of that: random choice alone would hardly ever make these.
    NodeSpec propose_follower();
    // Whether the newest value is a global pool or a product.
    bool follows() const {
        if (made.spec.nodes.empty()) return false;
        const Kind last = made.spec.nodes.back().kind;
        return last == kGlobalPool || last == kMultiply;
    }
    NodeSpec propose();
    bool fits(const NodeSpec& node) const;
    void add(NodeSpec node);
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
    node.weights = floats(std::size_t{node.output_channels} * node.output_channels, 0.3f);
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

}  // namespace

RandomNetwork make(std::mt19937& random, int size) {
    Maker maker{random, {}};
    ModelSpec& spec = maker.made.spec;
    spec.input_channels = 1 + maker.below(4);
    spec.input_height = spec.input_width = 0;
    spec.default_height = maker.chance(15) ? 1 : 1 + maker.below(14);
    spec.default_width = maker.chance(15) ? 1 : 1 + maker.below(14);
    Value& input = maker.made.input;
    input = {spec.default_height, spec.default_width, spec.input_channels, {}};
    input.data.resize(input.height * input.width * input.channels);
    for (double& v : input.data) v = maker.below(256);
    maker.made.values = {input};
    if (maker.chance(70)) {  // as real networks begin
        maker.add({.kind = kAffine,
                   .inputs = {0},
                   .weights = std::vector<float>(spec.input_channels, 1 / 127.5f),
                   .bias = std::vector<float>(spec.input_channels, -1.0f)});
        maker.made.values = naive_network::run(spec, input);
    }
    for (int tries = 0; static_cast<int>(spec.nodes.size()) < size && tries < 100 * size; ++tries) {
        const NodeSpec node = maker.propose();
        if (!maker.fits(node)) continue;
        maker.add(node);
        std::vector<Value> values = naive_network::run(spec, input);
        // Neither large tensors nor numbers whose float32 error says nothing.
        bool usable = values.back().data.size() <= 6000 && values.back().channels <= 400;
        for (const double v : values.back().data) usable = usable && std::fabs(v) < 2000;
        if (usable) {
            maker.made.values = std::move(values);
        } else {
            spec.nodes.pop_back();
        }
    }
    const auto last = static_cast<std::uint32_t>(spec.nodes.size());
    const auto channels = static_cast<std::uint32_t>(maker.made.values[last].channels);
    maker.add({.kind = kGlobalPool, .inputs = {last}});
    maker.add({.kind = kDense,
               .inputs = {last + 1},
               .weights = maker.floats(std::size_t{channels} * 3,
                                       0.1f / std::sqrt(static_cast<float>(channels))),
               .bias = maker.floats(3, 0.5f),
               .output_channels = 3});
    maker.add({.kind = kSoftmax, .inputs = {last + 2}});
    spec.logits = last + 2;
    spec.probabilities = last + 3;
    spec.target = 0;
    spec.classes = {"a", "b", "c"};
    maker.made.values = naive_network::run(spec, input);
    return maker.made;
}

}  // namespace random_network
