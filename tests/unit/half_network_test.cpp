// SPDX-License-Identifier: Apache-2.0
// Networks of half precision: every node of random ones against plain loops on what the engine
// itself made of its operands, so that the bound is that of one layer; and what the public calls
// promise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/run/executor.h"
#include "engine/model/model_file.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/plan/print.h"
#include "fovea/fovea.h"
#include "tests/unit/random_network.h"
#include "tests/unit/test_memory.h"

namespace {

using model_builder::ModelSpec;
using model_builder::NodeSpec;
using naive_network::Value;

constexpr double kHalfRounding = 0x1p-11;
constexpr double kHalfSmallest = 0x1p-24;
constexpr double kBlock = fovea::ops::kHalfBlock;

// Roundings that a sum of the node goes through at the most: ops/README.md and the contracts there.
double roundings(const NodeSpec& node, const Value& input) {
    const double taps = static_cast<double>(node.kernel_height) * node.kernel_width;
    if (node.kind == model_builder::kDepthwise) return taps + 1;
    if (node.kind != model_builder::kConvolution) return 1;
    const double in_group = static_cast<double>(input.channels) / node.groups;
    return std::min(taps * in_group, kBlock) + taps * std::ceil(in_group / kBlock) + 2;
}

// The node of absolute values: what its rounding errors scale with.
Value magnitudes(NodeSpec node, std::vector<Value> values) {
    for (float& weight : node.weights) weight = std::fabs(weight);
    for (float& bias : node.bias) bias = std::fabs(bias);
    node.activation = 0;
    for (const std::uint32_t input : node.inputs) {
        for (double& v : values[input].data) v = std::fabs(v);
    }
    return naive_network::run_node(node, values);
}

struct Loaded {
    model_builder::Bytes bytes;
    test_memory::AlignedCopy copy;
    fovea::ModelFile model;

    explicit Loaded(const ModelSpec& spec)
        : bytes(model_builder::build(spec)), copy(bytes.data(), bytes.size()) {
        REQUIRE(fovea::read_model_file(copy.data(), copy.size(), {}, {}, &model) == FOVEA_OK);
    }
};

struct Counts {
    int plans = 0, maps = 0, vectors = 0;
    std::vector<int> kinds = std::vector<int>(15, 0);
};

void check_nodes(const ModelSpec& spec, const Value& input, fovea_dtype dtype, Counts* counts) {
    const Loaded loaded(spec);
    const fovea::Graph& graph = loaded.model.graph;
    std::vector<std::uint32_t> all;
    for (std::uint32_t value = 1; value < graph.value_count(); ++value) all.push_back(value);
    fovea::Plan plan(fovea::Allocator{}, fovea::ops::detect_cpu_features());
    const fovea::PlanRequest request{.height = static_cast<std::uint32_t>(input.height),
                                     .width = static_cast<std::uint32_t>(input.width),
                                     .threads = 1,
                                     .kept = all.data(),
                                     .kept_count = all.size(),
                                     .arithmetic = fovea::Arithmetic::kHalf};
    REQUIRE(fovea::make_plan(graph, request, {}, &plan) == FOVEA_OK);
    if (plan.map_type != fovea::ElementType::kF16) return;
    ++counts->plans;
    fovea::ThreadPool pool{fovea::Allocator{}};
    REQUIRE(pool.start(1) == FOVEA_OK);
    const std::vector<std::uint8_t> filling(plan.workspace_size, 0xFF);  // NaNs
    test_memory::AlignedCopy workspace(filling.data(), filling.size());
    fovea::write_constants(plan, workspace.data());
    fovea::Executor executor(plan, pool, workspace.data());
    const std::vector<std::uint8_t> bytes(input.data.begin(), input.data.end());
    const std::vector<float> floats(input.data.begin(), input.data.end());
    const void* const data =
        dtype == FOVEA_U8 ? static_cast<const void*>(bytes.data()) : floats.data();
    REQUIRE(executor.run({data, dtype}) == FOVEA_OK);

    std::vector<Value> values = {input};
    for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
        const NodeSpec& node = spec.nodes[i];
        const auto value = static_cast<std::uint32_t>(i + 1);
        const Value expected = naive_network::run_node(node, values);
        const Value scale = magnitudes(node, values);
        REQUIRE(plan.values[value].shape.count() == expected.data.size());
        const float* const got = executor.value(value);
        Value made = expected;
        double worst = 0;
        for (std::size_t k = 0; k < expected.data.size(); ++k) {
            made.data[k] = got[k];
            // Twice: the activation's slope and its own roundings; 3: that hard_sigmoid adds.
            const double terms = roundings(node, values[node.inputs[0]]);
            const double bound =
                plan.values[value].type == fovea::ElementType::kF16
                    ? 2 * (kHalfRounding * (terms + 3) * (scale.data[k] + 3) + kHalfSmallest)
                    : 1e-4 * (scale.data[k] + 1);
            const double excess = std::fabs(got[k] - expected.data[k]) / bound;
            if (!(excess <= worst)) worst = excess;
        }
        CHECK_MESSAGE(worst <= 1, "node ", i, " of kind ", static_cast<int>(node.kind), ": ", worst,
                      " times the bound");
        ++counts->kinds[node.kind];
        ++(plan.values[value].type == fovea::ElementType::kF16 ? counts->maps : counts->vectors);
        values.push_back(std::move(made));
    }
}

}  // namespace

TEST_CASE("every node of random networks of halves is within its bound of what plain loops give") {
    Counts counts;
    for (std::uint32_t round = 0; round < 200; ++round) {
        INFO("round ", round);
        std::mt19937 random(80000 + round);
        const auto network = random_network::make(random, 4 + static_cast<int>(round % 13));
        check_nodes(model_builder::with_half_weights(network.spec), network.input,
                    round % 2 == 0 ? FOVEA_U8 : FOVEA_F32, &counts);
    }
    CHECK(counts.plans > 60);
    CHECK(counts.maps > 300);
    CHECK(counts.vectors > 150);
    for (const auto kind :
         {model_builder::kConvolution, model_builder::kDepthwise, model_builder::kDense,
          model_builder::kPool, model_builder::kGlobalPool, model_builder::kChannelReduce,
          model_builder::kConcat, model_builder::kAdd, model_builder::kMultiply,
          model_builder::kAffine, model_builder::kActivation, model_builder::kReshape,
          model_builder::kPad}) {
        CHECK_MESSAGE(counts.kinds[kind] > 3, "kind ", static_cast<int>(kind));
    }
}

TEST_CASE(
    "a graph that mixes maps and vectors as no kernel can runs in floats, and says for which "
    "layer") {
    using namespace model_builder;
    const auto printed = [](const ModelSpec& spec, fovea::Arithmetic arithmetic) {
        const Loaded loaded(spec);
        const fovea::Graph& graph = loaded.model.graph;
        const fovea::PlanRequest request{.height = graph.default_height,
                                         .width = graph.default_width,
                                         .threads = 1,
                                         .kept = nullptr,
                                         .kept_count = 0,
                                         .arithmetic = arithmetic};
        fovea::Plan plan(fovea::Allocator{}, fovea::ops::detect_cpu_features());
        REQUIRE(fovea::make_plan(graph, request, {}, &plan) == FOVEA_OK);
        std::string text;
        fovea::print_plan(
            graph, plan,
            [](void* cookie, const char* line) { *static_cast<std::string*>(cookie) += line; },
            &text);
        return text;
    };
    const auto says = [](const std::string& text, const char* what) {
        return text.find(what) != std::string::npos;
    };
    ModelSpec spec = with_half_weights(tiny_spec());
    CHECK(says(printed(spec, fovea::Arithmetic::kHalf), "arithmetic: half precision"));
    CHECK(says(printed(tiny_spec(), fovea::Arithmetic::kHalf), "arithmetic: float32workspace"));
    CHECK(
        says(printed(spec, fovea::Arithmetic::kFloat), "arithmetic: float32, weights widened: no"));
    NodeSpec window = spec.nodes[2];
    window.name = "window on a vector";
    window.inputs = {spec.nodes[6].inputs[0]};
    spec.add(window);
    CHECK(says(printed(spec, fovea::Arithmetic::kHalf),
               "float32, weights widened: because of layer 'window on a vector'"));
}

TEST_CASE(
    "the public calls: floats of every tap, whatever the input's type, in memory of the size asked "
    "for") {
    int taps = 0;
    for (std::uint32_t round = 0; round < 20; ++round) {
        INFO("round ", round);
        std::mt19937 random(90000 + round);
        const auto network = random_network::make(random, 8);
        const auto file = model_builder::build(model_builder::with_half_weights(network.spec));
        fovea_model* model = nullptr;
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
                FOVEA_OK);
        std::vector<const char*> names;
        for (std::uint32_t i = 0; fovea_model_tap_name(model, i) != nullptr; ++i) {
            names.push_back(fovea_model_tap_name(model, i));
        }
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.taps = names.data();
        settings.tap_count = static_cast<std::uint32_t>(names.size());
        std::size_t size = 0;
        REQUIRE(fovea_session_workspace_size(model, &settings, &size) == FOVEA_OK);
        const std::vector<std::uint8_t> filling(size, 0xFF);
        test_memory::AlignedCopy memory(filling.data(), filling.size());
        settings.workspace = memory.data();
        settings.workspace_size = size;
        fovea_session* session = nullptr;
        REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
        const std::vector<std::uint8_t> bytes(network.input.data.begin(), network.input.data.end());
        const std::vector<float> floats(network.input.data.begin(), network.input.data.end());
        float logits[3], again[3];
        REQUIRE(fovea_run(session, bytes.data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
        std::vector<std::vector<float>> first;
        for (const char* name : names) {
            fovea_tensor tap = test_memory::sized<fovea_tensor>();
            REQUIRE(fovea_session_tap(session, name, &tap) == FOVEA_OK);
            first.emplace_back(tap.data,
                               tap.data + std::size_t{tap.height} * tap.width * tap.channels);
        }
        REQUIRE(fovea_run(session, floats.data(), FOVEA_F32, again, nullptr) == FOVEA_OK);
        CHECK(std::memcmp(logits, again, sizeof logits) == 0);
        for (std::size_t i = 0; i < names.size(); ++i) {
            fovea_tensor tap = test_memory::sized<fovea_tensor>();
            REQUIRE(fovea_session_tap(session, names[i], &tap) == FOVEA_OK);
            CHECK(std::memcmp(tap.data, first[i].data(), first[i].size() * sizeof(float)) == 0);
            ++taps;
        }
        fovea_session_close(&session);
        fovea_model_close(&model);
    }
    CHECK(taps > 100);
}
