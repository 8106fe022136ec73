// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/code_network.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace code_network {
namespace {

using model_builder::CodesSpec;
using model_builder::ModelSpec;
using model_builder::NodeSpec;

constexpr std::uint32_t kBytes = 1, kWords = 2;  // types of codes

struct Maker {
    std::mt19937& random;
    CodeNetwork network;
    std::vector<std::uint32_t> channels = {3};  // by value
    std::vector<CodesSpec> codes = {{}};        // by value

    float between(float low, float high) { return low + (high - low) * static_cast<float>(random() % 10001) / 10000.0f; }

    // Scales of a value whose reals lie about between -2 and 6.
    CodesSpec scales(std::uint32_t count, std::uint32_t type) {
        CodesSpec made;
        made.present = true;
        made.type = type;
        for (std::uint32_t c = 0; c < count; ++c) {
            made.scale.push_back(between(0.6f, 1.4f) * (type == kBytes ? 8.0f / 255 : 12.0f / 65535));
            made.zero.push_back(std::floor(type == kBytes ? between(30, 90) : between(-20000, 5000)));
        }
        return made;
    }
    float lowest(std::uint32_t type) const { return type == kBytes ? 0.0f : -32768.0f; }

    std::uint32_t add(NodeSpec file, NodeSpec real, std::uint32_t count) {
        file.name = real.name = std::string("node").append(std::to_string(network.file.nodes.size()));
        codes.push_back(file.codes);
        channels.push_back(count);
        network.file.add(std::move(file));
        return network.real.add(std::move(real));
    }
    std::uint32_t add(const NodeSpec& both, std::uint32_t count) { return add(both, both, count); }

    // A convolution of codes to codes; depthwise if outputs is 0.
    std::uint32_t layer(NodeSpec node, std::uint32_t outputs, std::uint32_t type) {
        const std::uint32_t in = channels[node.inputs[0]];
        const CodesSpec& taken = codes[node.inputs[0]];
        const bool depthwise = outputs == 0;
        const std::uint32_t count = depthwise ? in : outputs;
        const std::uint32_t taps = node.kernel_height * node.kernel_width, inputs = depthwise ? 1 : in;
        node.kind = depthwise ? model_builder::kDepthwise : model_builder::kConvolution;
        node.groups = depthwise ? 0 : 1;
        node.output_channels = count;
        node.stride_y = node.stride_x = std::max(node.stride_y, 1u);
        node.dilation_y = node.dilation_x = 1;
        node.codes = scales(count, type);
        if (node.activation == model_builder::kRelu) node.codes.zero.assign(count, lowest(type));
        NodeSpec real = node;
        node.weights.resize(std::size_t{taps} * inputs * count);
        for (std::size_t at = 0; at < node.weights.size(); ++at) {
            float weight = std::floor(between(-127, 127.9f));
            if (!depthwise && at / count % inputs % 2 == 1) {  // the second of a pair
                const float first = node.weights[at - count];
                weight = std::clamp(weight, -128 - std::min(first, 0.0f), 128 - std::max(first, 0.0f));
            }
            node.weights[at] = weight;
        }
        real.weights.resize(node.weights.size());
        for (std::uint32_t o = 0; o < count; ++o) {
            const float reach = 2.0f / (73.0f * std::sqrt(static_cast<float>(taps * inputs)) * (taken.type == kBytes ? 50.0f : 12000.0f));
            const float unit = reach * between(0.5f, 1.5f);  // the real that a sum of 1 stands for
            double zeros = 0;
            for (std::size_t k = 0; k < std::size_t{taps} * inputs; ++k) {
                const std::size_t i = depthwise ? o : k % inputs;
                const float weight = node.weights[k * count + o];
                zeros += static_cast<double>(weight) * taken.zero[i];
                real.weights[k * count + o] = weight * unit / taken.scale[i];
            }
            const float bias = std::floor(between(-1, 2) / unit);
            node.bias.push_back(static_cast<float>(bias - zeros));
            // A float has 24 bits: the reals are of the bias that the file has.
            real.bias.push_back(static_cast<float>((node.bias.back() + zeros) * unit));
            if (node.activation == model_builder::kHardSwish) {
                node.codes.multiplier.push_back(unit);
                node.codes.second_multiplier.push_back(1 / (6 * node.codes.scale[o]));
            } else {
                node.codes.multiplier.push_back(unit / node.codes.scale[o]);
            }
        }
        return add(node, real, count);
    }

    // A layer of a vector of floats.
    std::uint32_t dense(std::uint32_t input, std::uint32_t outputs, std::uint32_t activation, bool convolution) {
        const std::uint32_t in = channels[input];
        NodeSpec node = {.kind = model_builder::kDense, .inputs = {input}, .activation = activation, .output_channels = outputs};
        if (convolution) {
            node.kind = model_builder::kConvolution;
            node.kernel_height = node.kernel_width = node.stride_y = node.stride_x = node.dilation_y = node.dilation_x = node.groups = 1;
        }
        node.codes.present = true;
        for (std::uint32_t o = 0; o < outputs; ++o) {
            node.codes.multiplier.push_back(between(0.5f, 1.5f) / (100.0f * std::sqrt(static_cast<float>(in))));
            node.bias.push_back(between(-1, 1));
        }
        NodeSpec real = node;
        for (std::size_t at = 0; at < std::size_t{in} * outputs; ++at) {
            node.weights.push_back(std::floor(between(-127, 127.9f)));
            real.weights.push_back(node.weights.back() * node.codes.multiplier[at % outputs]);
        }
        return add(node, real, outputs);
    }

    std::uint32_t sum(std::uint32_t left, std::uint32_t right, std::uint32_t type) {
        const std::uint32_t count = channels[left];
        NodeSpec node = {.kind = model_builder::kAdd, .inputs = {left, right}};
        node.codes = scales(count, type);
        for (std::uint32_t c = 0; c < count; ++c) {
            const float first = codes[left].scale[c] / node.codes.scale[c], second = codes[right].scale[c] / node.codes.scale[c];
            node.codes.multiplier.push_back(first);
            node.codes.second_multiplier.push_back(second);
            node.codes.offset.push_back(-(codes[left].zero[c] * first + codes[right].zero[c] * second));
        }
        return add(node, count);
    }

    std::uint32_t gated(std::uint32_t map, std::uint32_t gate, std::uint32_t type) {
        const std::uint32_t count = channels[map];
        NodeSpec node = {.kind = model_builder::kMultiply, .inputs = {map, gate}};
        node.codes = scales(count, type);
        for (std::uint32_t c = 0; c < count; ++c) node.codes.multiplier.push_back(codes[map].scale[c] / node.codes.scale[c]);
        return add(node, count);
    }

    // Of floats; of the caller's pixels with the factor and the offset of the rescaling.
    std::uint32_t quantised(NodeSpec node, std::uint32_t type) {
        const std::uint32_t count = channels[node.inputs[0]];
        node.codes = scales(count, type);
        for (std::uint32_t c = 0; c < count; ++c) {
            const bool rescales = node.kind == model_builder::kAffine;
            node.codes.multiplier.push_back((rescales ? node.weights[c] : 1) / node.codes.scale[c]);
            node.codes.offset.push_back((rescales ? node.bias[c] : 0) / node.codes.scale[c]);
        }
        return add(node, count);
    }
};

}  // namespace

CodeNetwork make(std::mt19937& random, std::uint32_t channels) {
    Maker maker{random, {}};
    for (ModelSpec* spec : {&maker.network.file, &maker.network.real}) {
        spec->input_height = spec->input_width = 0;
        spec->default_height = spec->default_width = 6;
    }
    const auto window = [](std::uint32_t input, std::uint32_t side, std::uint32_t stride, std::uint32_t activation) {
        return NodeSpec{.inputs = {input}, .activation = activation, .kernel_height = side, .kernel_width = side,
                        .stride_y = stride, .stride_x = stride, .same_padding = true};
    };
    const std::uint32_t pixels = maker.quantised({.kind = model_builder::kAffine, .inputs = {0},
                                                  .weights = {0.01f, 0.02f, 0.03f}, .bias = {-1, 0, -2}}, kWords);
    const std::uint32_t stem = maker.layer(window(pixels, 3, 2, model_builder::kHardSwish), channels, kWords);
    const std::uint32_t first = maker.layer(window(stem, 3, 1, model_builder::kRelu), 0, kBytes);
    const std::uint32_t wide = maker.layer(window(stem, 1, 1, model_builder::kRelu), channels + 5, kWords);
    const std::uint32_t narrow = maker.layer(window(wide, 5, 1, model_builder::kLinear), 0, kWords);
    const std::uint32_t back = maker.layer(window(narrow, 1, 1, model_builder::kLinear), channels, kBytes);
    const std::uint32_t both = maker.sum(first, back, kBytes);
    const std::uint32_t expanded = maker.layer(window(both, 1, 1, model_builder::kHardSwish), 2 * channels + 3, kBytes);
    const std::uint32_t depthwise = maker.layer(window(expanded, 5, 2, model_builder::kHardSwish), 0, kBytes);
    const std::uint32_t pooled = maker.add({.kind = model_builder::kGlobalPool, .inputs = {depthwise}}, maker.channels[depthwise]);
    const std::uint32_t squeezed = maker.dense(pooled, 4, model_builder::kRelu, true);
    const std::uint32_t gate = maker.dense(squeezed, maker.channels[depthwise], model_builder::kHardSigmoid, true);
    const std::uint32_t gated = maker.gated(depthwise, gate, kBytes);
    const std::uint32_t project = maker.layer(window(gated, 1, 1, model_builder::kLinear), channels, kWords);
    const std::uint32_t again = maker.layer(window(project, 3, 1, model_builder::kLinear), channels, kBytes);
    const std::uint32_t total = maker.sum(project, again, kWords);
    const std::uint32_t square = maker.layer(window(again, 2, 1, model_builder::kRelu), channels + 1, kBytes);
    // Into floats and back.
    const std::uint32_t floats = maker.add({.kind = model_builder::kActivation, .inputs = {square}}, channels + 1);
    const std::uint32_t mean = maker.add({.kind = model_builder::kChannelReduce, .inputs = {floats}}, 1);
    const std::uint32_t spatial =
        maker.add({.kind = model_builder::kActivation, .inputs = {mean}, .activation = model_builder::kSigmoid}, 1);
    const std::uint32_t weighed = maker.add({.kind = model_builder::kMultiply, .inputs = {floats, spatial}}, channels + 1);
    const std::uint32_t codes = maker.quantised({.kind = model_builder::kActivation, .inputs = {weighed}}, kBytes);
    const std::uint32_t last = maker.layer(window(codes, 1, 1, model_builder::kHardSwish), channels, kBytes);
    const std::uint32_t most = maker.add({.kind = model_builder::kGlobalPool, .inputs = {last}, .variant = 1}, channels);
    const std::uint32_t others = maker.add({.kind = model_builder::kGlobalPool, .inputs = {total}}, channels);
    const std::uint32_t top = maker.add({.kind = model_builder::kAdd, .inputs = {most, others}}, channels);
    const std::uint32_t logits = maker.dense(top, 2, model_builder::kLinear, false);
    const std::uint32_t probabilities = maker.add({.kind = model_builder::kSoftmax, .inputs = {logits}}, 2);
    for (ModelSpec* spec : {&maker.network.file, &maker.network.real}) {
        spec->logits = logits;
        spec->probabilities = probabilities;
    }
    return maker.network;
}

}  // namespace code_network
