// SPDX-License-Identifier: Apache-2.0
// Plans a network of a given kind and about so many nodes, for check_planning_work.py to count
// instructions of: planning_work KIND NODES.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/model_builder.h"

namespace {

using namespace model_builder;

NodeSpec pool(std::uint32_t input) {
    return {.kind = kPool,
            .inputs = {input},
            .kernel_height = 3,
            .kernel_width = 3,
            .stride_y = 1,
            .stride_x = 1,
            .same_padding = true};
}

// Names the node, where the taps are to keep what it makes.
void name_last(ModelSpec* spec, std::vector<std::string>* taps) {
    taps->push_back("n" + std::to_string(spec->nodes.size()));
    spec->nodes.back().name = taps->back();
}

// Steps one after another, an addition over every fourth; then a vector.
std::uint32_t blocks(ModelSpec* spec, std::uint32_t nodes, std::vector<std::string>* taps) {
    std::uint32_t value = spec->add(pool(0));
    while (spec->nodes.size() < nodes) {
        const std::uint32_t shortcut = value;
        value = spec->add(pool(value));
        value = spec->add({.kind = kActivation, .inputs = {value}, .activation = kTanh});
        if (taps != nullptr) name_last(spec, taps);
        value = spec->add(pool(value));
        value = spec->add({.kind = kAdd, .inputs = {value, shortcut}});
    }
    return value;
}

// Vectors each made of the seven before it: rows are not streamed, every step is a segment.
std::uint32_t dense_connections(ModelSpec* spec, std::uint32_t nodes) {
    std::uint32_t value = spec->add({.kind = kGlobalPool, .inputs = {0}});
    while (spec->nodes.size() < nodes) {
        std::vector<std::uint32_t> inputs;
        for (std::uint32_t back = 0; back < 7; ++back) {
            inputs.push_back(value > 2 * back + 1 ? value - 2 * back : 1);
        }
        value = spec->add({.kind = kConcat, .inputs = inputs});
        value = spec->add({.kind = kDense,
                           .inputs = {value},
                           .weights = std::vector<float>(21 * 3, 0.01f),
                           .output_channels = 3});
    }
    return value;
}

// Maps made where they are joined, three at a time.
std::uint32_t joined_blocks(ModelSpec* spec, std::uint32_t nodes) {
    std::uint32_t value = 0;
    while (spec->nodes.size() < nodes) {
        const std::uint32_t mean = spec->add({.kind = kChannelReduce, .inputs = {value}});
        const std::uint32_t most = spec->add({.kind = kChannelReduce, .inputs = {value}, .variant = 1});
        const std::uint32_t again = spec->add({.kind = kChannelReduce, .inputs = {most}});
        value = spec->add(pool(spec->add({.kind = kConcat, .inputs = {mean, most, again}})));
    }
    return value;
}

// Pairs of maps far apart: the first half of the steps makes what the second half needs.
std::uint32_t long_shortcuts(ModelSpec* spec, std::uint32_t nodes) {
    std::vector<std::uint32_t> kept;
    std::uint32_t value = 0;
    while (spec->nodes.size() < nodes / 2) {
        value = spec->add(pool(value));
        kept.push_back(value);
    }
    for (; kept.size() > 1; kept.pop_back()) {
        value = spec->add({.kind = kAdd, .inputs = {value, kept[kept.size() - 2]}});
    }
    return value;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const std::string kind = argv[1];
    const auto nodes = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 24;
    std::vector<std::string> taps;
    std::uint32_t value = 0;
    if (kind == "blocks") value = blocks(&spec, nodes, nullptr);
    if (kind == "tapped_blocks") value = blocks(&spec, nodes, &taps);
    if (kind == "dense_connections") value = dense_connections(&spec, nodes);
    if (kind == "joined_blocks") value = joined_blocks(&spec, nodes);
    if (kind == "long_shortcuts") value = long_shortcuts(&spec, nodes);
    if (value == 0) return 2;
    value = spec.add({.kind = kGlobalPool, .inputs = {value}});
    spec.logits = spec.probabilities = spec.add({.kind = kDense,
                                                 .inputs = {value},
                                                 .weights = std::vector<float>(6, 0.1f),
                                                 .output_channels = 2});
    const Bytes file = build(spec);
    fovea_model* model = nullptr;
    if (fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) !=
        FOVEA_OK) {
        return 1;
    }
    std::vector<const char*> names;
    for (const std::string& tap : taps) names.push_back(tap.c_str());
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.taps = names.data();
    settings.tap_count = static_cast<std::uint32_t>(names.size());
    std::size_t bytes = 0;
    const fovea_status status = fovea_session_workspace_size(model, &settings, &bytes);
    std::printf("%s, %zu nodes: %s, %zu bytes of workspace\n", kind.c_str(), spec.nodes.size(),
                fovea_status_string(status), bytes);
    fovea_model_close(&model);
    return status == FOVEA_OK ? 0 : 1;
}
