// SPDX-License-Identifier: Apache-2.0
// Streaming changes no bit: random networks run with every value stored whole, then band by band
// with every combination of band height, thread count and instruction set, in a workspace of just
// the planned size.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/run/executor.h"
#include "engine/model/model_file.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/run/threads.h"
#include "ops/cpu_features.h"
#include "tests/unit/random_network.h"
#include "tests/unit/test_memory.h"

namespace {

using fovea::Executor;
using fovea::Plan;
using fovea::PlanRequest;

struct Loaded {
    model_builder::Bytes bytes;
    test_memory::AlignedCopy copy;
    fovea::ModelFile model;

    explicit Loaded(const model_builder::ModelSpec& spec)
        : bytes(model_builder::build(spec)), copy(bytes.data(), bytes.size()) {
        REQUIRE(fovea::read_model_file(copy.data(), copy.size(), {}, {}, &model) == FOVEA_OK);
    }
};

// A plan with its memory, filled with what must not matter.
struct Session {
    const fovea::Graph& graph;
    Plan plan;
    fovea::ThreadPool pool{fovea::Allocator{}};
    std::vector<std::uint8_t> filling;
    std::unique_ptr<test_memory::AlignedCopy> workspace;
    std::unique_ptr<Executor> executor;
    fovea_status status;

    Session(const fovea::Graph& graph_, const PlanRequest& request,
            fovea::ops::CpuFeatureSet features)
        : graph(graph_), plan(fovea::Allocator{}, features) {
        status = fovea::make_plan(graph, request, {}, &plan);
        if (status != FOVEA_OK) return;
        REQUIRE(pool.start(request.threads) == FOVEA_OK);
        filling.assign(plan.workspace_size, 0xFF);  // NaNs
        workspace = std::make_unique<test_memory::AlignedCopy>(filling.data(), filling.size());
        fovea::write_constants(plan, workspace->data());
        executor = std::make_unique<Executor>(plan, pool, workspace->data());
    }
    bool streams() const {
        for (std::size_t g = 0; g < plan.segment_count; ++g) {
            if (plan.segments[g].band != 0) return true;
        }
        return false;
    }
    bool has_slices() const {
        return std::any_of(plan.values.begin(), plan.values.end(), [](const fovea::Value& value) { return value.is_slice(); });
    }
    bool shares() const {
        for (std::size_t g = 0; g < plan.segment_count; ++g) {
            if (plan.segments[g].band != 0 && plan.segments[g].threads > 1) return true;
        }
        return false;
    }
};

struct Counts {
    int compared = 0, streamed = 0, shared = 0, halves = 0, sliced = 0;
};

// All values of `whole` must be there; the kept ones and the outputs are compared.
void compare(const Session& whole, const Session& banded, const PlanRequest& request,
             Counts* counts) {
    std::vector<std::uint32_t> values(request.kept, request.kept + request.kept_count);
    values.push_back(whole.graph.logits);
    values.push_back(whole.graph.probabilities);
    for (const std::uint32_t value : values) {
        const std::size_t bytes = whole.plan.values[value].shape.count() * sizeof(float);
        CHECK(std::memcmp(whole.executor->value(value), banded.executor->value(value), bytes) == 0);
        ++counts->compared;
    }
}

// `streamed` is the file that runs in bands: the network itself, or the same with other storage.
void check_network(const model_builder::ModelSpec& network,
                   const model_builder::ModelSpec& streamed, std::uint32_t height,
                   std::uint32_t width, fovea::ops::CpuFeatureSet features, std::mt19937& random,
                   Counts* counts, fovea::Arithmetic arithmetic = fovea::Arithmetic::kBest) {
    const Loaded loaded(network), loaded_streamed(streamed);
    const fovea::Graph& graph = loaded.model.graph;
    std::vector<std::uint8_t> input(std::size_t{height} * width * graph.input_channels);
    for (std::uint8_t& v : input) v = static_cast<std::uint8_t>(random());
    std::vector<std::uint32_t> all, some, none;
    for (std::uint32_t value = 1; value < graph.value_count(); ++value) {
        all.push_back(value);
        if (random() % 8 == 0) some.push_back(value);
    }
    const auto request = [&](const std::vector<std::uint32_t>& kept, std::uint32_t threads,
                             std::uint32_t band) {
        return PlanRequest{.height = height,
                           .width = width,
                           .threads = threads,
                           .kept = kept.data(),
                           .kept_count = kept.size(),
                           .band = band,
                           .arithmetic = arithmetic,
                           .work_per_thread = 1};
    };
    const Session whole(graph, request(all, 1, 0), features);
    if (whole.status != FOVEA_OK) return;  // a dense layer after a reshape, for example
    REQUIRE(whole.executor->run({input.data(), FOVEA_U8}) == FOVEA_OK);
    for (const std::vector<std::uint32_t>* kept : {&none, &some}) {
        for (const std::uint32_t threads : {1u, 2u, 3u}) {
            for (const std::uint32_t band : {0u, 1u, 2u, 3u, 7u}) {
                INFO("threads ", threads, ", band ", band, ", ", kept->size(), " kept");
                const PlanRequest banded_request = request(*kept, threads, band);
                const Session banded(loaded_streamed.model.graph, banded_request, features);
                REQUIRE(banded.status == FOVEA_OK);
                counts->streamed += banded.streams();
                counts->shared += banded.shares();
                counts->sliced += banded.has_slices();
                counts->halves += banded.plan.map_type == fovea::ElementType::kF16;
                for (int repeat = 0; repeat < 2; ++repeat) {  // the second meets used rings
                    REQUIRE(banded.executor->run({input.data(), FOVEA_U8}) == FOVEA_OK);
                    compare(whole, banded, banded_request, counts);
                }
            }
        }
    }
}

// Layers of so many inputs that their panels are widened a few at a time: an odd number of panels,
// a last one of few channels, groups, a residual, a vector, a gate that the weights take over.
model_builder::ModelSpec wide_network(std::mt19937& random) {
    using namespace model_builder;
    const auto values = [&](std::size_t count) {
        std::vector<float> result(count);
        for (float& v : result) v = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
        return result;
    };
    ModelSpec spec;
    const auto convolution = [&](std::uint32_t input, std::uint32_t in, std::uint32_t out,
                                 std::uint32_t side, std::uint32_t groups) {
        NodeSpec node;
        node.kind = kConvolution;
        node.inputs = {input};
        node.weights = values(std::size_t{side} * side * (in / groups) * out);
        node.bias = values(out);
        node.kernel_height = node.kernel_width = side;
        node.stride_y = node.stride_x = node.dilation_y = node.dilation_x = 1;
        node.same_padding = side > 1;
        node.groups = groups;
        node.output_channels = out;
        return spec.add(node);
    };
    const std::uint32_t wide = convolution(0, 3, 600, 1, 1);
    const std::uint32_t narrow = convolution(wide, 600, 37, 1, 1);
    const std::uint32_t other = convolution(0, 3, 37, 3, 1);
    const std::uint32_t sum =
        spec.add({.kind = kAdd, .inputs = {narrow, other}, .activation = kRelu});
    const std::uint32_t grouped = convolution(wide, 600, 54, 3, 2);
    const std::uint32_t joined = spec.add({.kind = kConcat, .inputs = {sum, grouped}});
    const std::uint32_t again = convolution(joined, 91, 1200, 1, 1);
    const std::uint32_t pooled = spec.add({.kind = kGlobalPool, .inputs = {again}});
    const std::uint32_t gated = spec.add({.kind = kMultiply, .inputs = {again, pooled}});
    const std::uint32_t last = convolution(gated, 1200, 13, 1, 1);
    const std::uint32_t most = spec.add({.kind = kGlobalPool, .inputs = {last}, .variant = 1});
    spec.logits = spec.add({.kind = kDense,
                            .inputs = {most},
                            .weights = values(13 * 2),
                            .bias = values(2),
                            .output_channels = 2});
    spec.probabilities = spec.add({.kind = kSoftmax, .inputs = {spec.logits}});
    return spec;
}

// What this CPU has of an instruction set that fovea_isa_name() names.
fovea::ops::CpuFeatureSet features_of_level(std::uint32_t number) {
    const fovea::ops::IsaLevel* level = fovea::ops::find_isa_level(fovea_isa_name(number));
    REQUIRE(level != nullptr);
    return level->allowed & fovea::ops::detect_cpu_features();
}

}  // namespace

TEST_CASE("bands and threads change no bit of small networks, whatever is kept") {
    Counts counts;
    for (std::uint32_t round = 0; round < 60; ++round) {
        std::mt19937 random(40000 + round);
        INFO("round ", round);
        const auto network = random_network::make(random, 3 + static_cast<int>(round % 20));
        const fovea::ops::CpuFeatureSet features = fovea::ops::detect_cpu_features();
        check_network(network.spec, network.spec, network.spec.default_height,
                      network.spec.default_width, features, random, &counts);
    }
    CHECK(counts.compared > 5000);
    CHECK(counts.streamed > 300);
    CHECK(counts.shared > 30);
}

// Every value kept is every concatenation copied: what is seen lies by itself.
TEST_CASE("what is joined without a copy has the same bits, in floats and in halves, on any instruction set") {
    Counts counts;
    std::uint32_t round = 0;
    for (std::uint32_t i = 0; fovea_isa_name(i) != nullptr; ++i) {
        const auto features = features_of_level(i);
        for (std::uint32_t repeat = 0; repeat < 12; ++repeat) {
            std::mt19937 random(45000 + round++);
            INFO(fovea_isa_name(i), " round ", round);
            const auto network = random_network::make_joined(random, 1 + static_cast<int>(repeat % 4));
            const bool own_size = repeat % 3 == 0;
            const std::uint32_t height = own_size ? network.spec.default_height : 9 + random() % 20;
            const std::uint32_t width = own_size ? network.spec.default_width : 1 + random() % 20;
            check_network(network.spec, network.spec, height, width, features, random, &counts);
            const auto halves = model_builder::with_half_weights(network.spec);
            check_network(halves, halves, height, width, features, random, &counts, fovea::Arithmetic::kHalf);
        }
    }
    CHECK(counts.compared > 1000);
    CHECK(counts.streamed > 300);
    CHECK(counts.shared > 100);
    CHECK(counts.sliced > 300);
    CHECK(counts.halves > 300);
}

TEST_CASE("nor of larger, oblong and odd inputs, on any instruction set") {
    constexpr std::uint32_t kSizes[][2] = {{33, 57}, {64, 31}, {97, 1}, {1, 97}, {2, 40}, {130, 9}};
    Counts counts;
    std::uint32_t round = 0;
    for (const auto& size : kSizes) {
        // Not a structured binding: INFO captures these, which clang before 16 does not do for
        // bindings.
        const std::uint32_t height = size[0];
        const std::uint32_t width = size[1];
        for (std::uint32_t i = 0; fovea_isa_name(i) != nullptr; ++i) {
            std::mt19937 random(50000 + round++);
            INFO(height, "x", width, " ", fovea_isa_name(i), " round ", round);
            const auto network = random_network::make(random, 14);
            check_network(network.spec, network.spec, height, width,
                          features_of_level(i), random, &counts);
        }
    }
    CHECK(counts.compared > 200);
    CHECK(counts.streamed > 100);
    CHECK(counts.shared > 20);
}

TEST_CASE("weights in half precision give the bits of the same weights as floats") {
    Counts counts;
    for (std::uint32_t i = 0; fovea_isa_name(i) != nullptr; ++i) {
        INFO(fovea_isa_name(i));
        const auto features = features_of_level(i);
        std::mt19937 random(60000);
        const auto compare_storage = [&](const model_builder::ModelSpec& spec, std::uint32_t height,
                                         std::uint32_t width) {
            check_network(model_builder::with_rounded_weights(spec),
                          model_builder::with_half_weights(spec), height, width, features, random,
                          &counts, fovea::Arithmetic::kFloat);
        };
        compare_storage(wide_network(random), 4, 4);
        for (std::uint32_t round = 0; round < 12; ++round) {
            INFO("round ", round);
            const auto network = random_network::make(random, 14);
            compare_storage(network.spec, 21, 34);
        }
    }
    CHECK(counts.compared > 500);
    CHECK(counts.streamed > 100);
    CHECK(counts.shared > 20);
}

TEST_CASE("bands, threads and what is kept change no bit of maps of halves") {
    Counts counts;
    for (std::uint32_t i = 0; fovea_isa_name(i) != nullptr; ++i) {
        INFO(fovea_isa_name(i));
        const auto features = features_of_level(i);
        std::mt19937 random(70000);
        const auto check = [&](const model_builder::ModelSpec& spec, std::uint32_t height,
                               std::uint32_t width) {
            const auto halves = model_builder::with_half_weights(spec);
            check_network(halves, halves, height, width, features, random, &counts,
                          fovea::Arithmetic::kHalf);
        };
        check(wide_network(random), 4, 4);
        check(wide_network(random), 9, 7);
        for (std::uint32_t round = 0; round < 25; ++round) {
            INFO("round ", round);
            const auto network = random_network::make(random, 3 + static_cast<int>(round % 12));
            check(network.spec, network.spec.default_height, network.spec.default_width);
            check(network.spec, 17, 26);
        }
    }
    CHECK(counts.compared > 500);
    CHECK(counts.streamed > 100);
    CHECK(counts.shared > 20);
    CHECK(counts.halves > 500);
}

TEST_CASE("plans that share a workspace and run in turns give the bits of each alone") {
    int compared = 0;
    for (std::uint32_t round = 0; round < 30; ++round) {
        INFO("round ", round);
        std::mt19937 random(75000 + round);
        const auto network = random_network::make(random, 3 + static_cast<int>(round % 12));
        const bool halves = round % 2 == 1;  // whose biases are constants of the workspace
        const Loaded loaded(halves ? model_builder::with_half_weights(network.spec) : network.spec);
        const fovea::Graph& graph = loaded.model.graph;
        const fovea::ops::CpuFeatureSet features = fovea::ops::detect_cpu_features();
        constexpr std::uint32_t kSides[][2] = {{12, 9}, {21, 34}, {5, 5}};
        std::vector<std::unique_ptr<Session>> alone;
        std::vector<std::unique_ptr<Plan>> plans;
        std::vector<Plan*> sharing;
        std::vector<std::vector<std::uint8_t>> inputs;
        for (const auto& side : kSides) {
            const PlanRequest request{.height = side[0],
                                      .width = side[1],
                                      .threads = 2,
                                      .kept = nullptr,
                                      .kept_count = 0,
                                      .arithmetic = fovea::Arithmetic::kHalf,
                                      .work_per_thread = 1};
            auto session = std::make_unique<Session>(graph, request, features);
            if (session->status != FOVEA_OK) continue;  // a dense layer after a reshape, for example
            auto plan = std::make_unique<Plan>(fovea::Allocator{}, features);
            REQUIRE(fovea::make_plan(graph, request, {}, plan.get()) == FOVEA_OK);
            sharing.push_back(plan.get());
            plans.push_back(std::move(plan));
            std::vector<std::uint8_t> input(std::size_t{side[0]} * side[1] * graph.input_channels);
            for (std::uint8_t& v : input) v = static_cast<std::uint8_t>(random());
            REQUIRE(session->executor->run({input.data(), FOVEA_U8}) == FOVEA_OK);
            inputs.push_back(std::move(input));
            alone.push_back(std::move(session));
        }
        if (sharing.size() < 2) continue;
        fovea::share_workspace(sharing.data(), sharing.size());
        std::uint64_t sum = 0;
        for (const auto& session : alone) sum += session->plan.workspace_size;
        const std::uint64_t size = plans[0]->workspace_size;
        CHECK(size < sum);
        const std::vector<std::uint8_t> filling(size, 0xFF);
        test_memory::AlignedCopy workspace(filling.data(), filling.size());
        fovea::ThreadPool pool{fovea::Allocator{}};
        REQUIRE(pool.start(2) == FOVEA_OK);
        std::vector<std::unique_ptr<Executor>> executors;
        for (const auto& plan : plans) {
            REQUIRE(plan->workspace_size == size);
            fovea::write_constants(*plan, workspace.data());
            executors.push_back(std::make_unique<Executor>(*plan, pool, workspace.data()));
        }
        for (int turn = 0; turn < 2; ++turn) {
            for (std::size_t i = 0; i < plans.size(); ++i) {
                REQUIRE(executors[i]->run({inputs[i].data(), FOVEA_U8}) == FOVEA_OK);
                const std::size_t bytes = plans[i]->values[graph.logits].shape.count() * sizeof(float);
                CHECK(std::memcmp(executors[i]->value(graph.logits), alone[i]->executor->value(graph.logits), bytes) == 0);
                ++compared;
            }
        }
    }
    CHECK(compared > 60);
}
