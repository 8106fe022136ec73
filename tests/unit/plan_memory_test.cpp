// SPDX-License-Identifier: Apache-2.0
// Where plans let values lie: no two that are needed at once share a byte, everything lies in the workspace, and places are aligned.
// Plans are made of random networks.
#include <algorithm>
#include <random>
#include <vector>

#include "engine/plan/arena.h"
#include "tests/unit/arena_simulation.h"
#include "tests/unit/convolution_node.h"
#include "tests/unit/planned_network.h"
#include "tests/unit/random_network.h"

using arena_simulation::ArenaSimulation;
using fovea::ArenaBlock;
using fovea::Plan;
using fovea::Step;
using fovea::Value;
using namespace planned_network;

TEST_CASE("every row of every value stays whole while it is needed") {
    std::size_t in_place = 0, fused = 0, gated = 0, pooled = 0, rescaled = 0;
    int streamed = 0, shared = 0, rings = 0, of_halves = 0, made_there = 0;
    for (std::uint32_t round = 0; round < 300; ++round) {
        std::mt19937 random(round);
        const auto network = round % 4 == 3 ? random_network::make_joined(random, 1 + static_cast<int>(round % 5))
                                            : random_network::make(random, 3 + static_cast<int>(round % 20));
        std::vector<std::uint32_t> kept;
        for (std::uint32_t i = 0; i < network.spec.nodes.size(); ++i) {
            if (random() % 4 == 0 && round % 2 == 0) kept.push_back(i + 1);
        }
        INFO("round ", round);
        for (const std::uint32_t threads : {1u, 2u, 3u}) {
            for (const std::uint32_t band : {0u, 1u, 2u, 5u}) {
                INFO("threads ", threads, ", band ", band);
                const bool halves = round % 3 == 1;
                const Planned planned(
                    halves ? model_builder::with_half_weights(network.spec) : network.spec, kept,
                    threads, band, 1, fovea::Arithmetic::kHalf);
                of_halves += planned.plan.map_type == fovea::ElementType::kF16;
                for (const bool reversed : {false, true}) {
                    ArenaSimulation simulation(planned);
                    simulation.run(kept, reversed);
                    streamed += simulation.streamed;
                    shared += simulation.shared;
                    rings += simulation.rings;
                    made_there += simulation.made_there;
                }
                std::uint32_t written = 0;
                for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
                    const Step& step = planned.plan.steps[s];
                    if (has_residual(step)) ++fused;
                    if (has_gate(step)) ++gated;
                    if (step.sums_rows) ++pooled;
                    if (rescales(planned.model.graph, step)) ++rescaled;
                    if (step.operand_count == 0 || step.output != planned.plan.operand(step, 0)) {
                        ++written;
                    }
                }
                if (planned.plan.block_count < written) ++in_place;
            }
        }
    }
    // The tests above would say nothing about what never happens.
    CHECK(in_place > 100);
    CHECK(fused > 30);
    CHECK(gated > 30);
    CHECK(pooled > 100);
    CHECK(rescaled > 100);
    CHECK(streamed > 1000);
    CHECK(shared > 100);
    CHECK(rings > 1000);
    CHECK(of_halves > 300);
    CHECK(made_there > 1000);
}

TEST_CASE("blocks that live together lie apart, and the arena is not much more than its peak") {
    std::mt19937 random(5);
    double worst = 0;
    for (int round = 0; round < 200; ++round) {
        const std::size_t count = 1 + random() % 60;
        fovea::Buffer<ArenaBlock> blocks;
        REQUIRE(blocks.allocate(count));
        for (ArenaBlock& block : blocks) {
            const std::uint32_t first = random() % 50;
            block = {1 + random() % 5000, first, first + static_cast<std::uint32_t>(random() % 6),
                     0};
        }
        std::uint64_t total = 0;
        REQUIRE(fovea::place_blocks(&blocks, count, {}, {}, &total) == FOVEA_OK);
        for (const ArenaBlock& a : blocks) {
            CHECK(a.offset % 64 == 0);
            CHECK(a.offset + a.size <= total);
            for (const ArenaBlock& b : blocks) {
                if (&a == &b || a.first > b.last || b.first > a.last) continue;
                CHECK((a.offset + a.size <= b.offset || b.offset + b.size <= a.offset));
            }
        }
        std::uint64_t peak = 0;
        for (std::uint32_t step = 0; step < 60; ++step) {
            std::uint64_t live = 0;
            for (const ArenaBlock& block : blocks) {
                if (block.first <= step && step <= block.last) live += fovea::align_up(block.size);
            }
            peak = std::max(peak, live);
        }
        CHECK(total >= peak);
        worst = std::max(worst, static_cast<double>(total) / static_cast<double>(peak));
    }
    CHECK(worst < 1.5);
}

TEST_CASE("thousands of blocks that are all needed together are placed apart, close to the peak") {
    std::mt19937 random(6);
    const std::size_t count = 3000;
    fovea::Buffer<ArenaBlock> blocks;
    REQUIRE(blocks.allocate(count));
    std::uint64_t peak = 0;
    std::vector<std::uint64_t> live(4000, 0);
    for (ArenaBlock& block : blocks) {
        const std::uint32_t first = random() % 2000;
        block = {1 + random() % 5000, first, first + 500 + static_cast<std::uint32_t>(random() % 1000), 0};
        for (std::uint32_t s = block.first; s <= block.last; ++s) {
            peak = std::max(peak, live[s] += fovea::align_up(block.size));
        }
    }
    std::uint64_t total = 0;
    REQUIRE(fovea::place_blocks(&blocks, count, {}, {}, &total) == FOVEA_OK);
    std::size_t overlapping = 0;
    for (const ArenaBlock& a : blocks) {
        overlapping += a.offset % 64 != 0 || a.offset + a.size > total ? 1 : 0;
        for (const ArenaBlock& b : blocks) {
            if (&a == &b || a.first > b.last || b.first > a.last) continue;
            overlapping += a.offset + a.size <= b.offset || b.offset + b.size <= a.offset ? 0 : 1;
        }
    }
    CHECK(overlapping == 0);
    CHECK(total >= peak);
    CHECK(total < peak + peak / 4);
}

TEST_CASE("no plan takes more memory with slices than with copies, and many take less") {
    int less = 0, sliced = 0;
    for (std::uint32_t round = 0; round < 120; ++round) {
        INFO("round ", round);
        std::mt19937 random(3000 + round);
        const auto network = random_network::make_joined(random, 1 + static_cast<int>(round % 5));
        const Planned planned(network.spec, {}, 1 + round % 3, 0, 1);
        const fovea::Graph& graph = planned.model.graph;
        const fovea::PlanRequest request{.height = graph.default_height,
                                         .width = graph.default_width,
                                         .threads = 1 + round % 3,
                                         .kept = nullptr,
                                         .kept_count = 0,
                                         .work_per_thread = 1,
                                         .slices = false};
        Plan copying{fovea::Allocator{}, fovea::ops::detect_cpu_features()};
        REQUIRE(fovea::make_plan(graph, request, {}, &copying) == FOVEA_OK);
        const auto has_slices = [](const Plan& plan) {
            return std::any_of(plan.values.begin(), plan.values.end(), [](const Value& value) { return value.is_slice(); });
        };
        CHECK(!has_slices(copying));
        CHECK(planned.plan.workspace_size <= copying.workspace_size);
        less += planned.plan.workspace_size < copying.workspace_size;
        sliced += has_slices(planned.plan);
    }
    CHECK(less > 60);
    CHECK(sliced > 80);
    CHECK(sliced < 120);  // in some, copies took less
}

TEST_CASE("nor where it is bands beside the slices that take more") {
    using namespace model_builder;
    constexpr std::uint32_t kNarrow = 23, kWide = 138;
    ModelSpec spec;
    spec.input_height = spec.input_width = 0;
    spec.default_height = spec.default_width = 84;
    const auto weights = [](std::uint32_t count) { return std::vector<float>(count, 0.125f); };
    const auto depthwise = [&](std::uint32_t input, std::uint32_t stride, std::uint32_t channels) {
        NodeSpec node = convolution_node(input, 3, stride, channels, weights(9 * channels));
        node.kind = kDepthwise;
        node.groups = 0;
        return spec.add(node);
    };
    const std::uint32_t stem = spec.add(convolution_node(0, 3, 2, kNarrow, weights(27 * kNarrow)));
    const std::uint32_t left = depthwise(stem, 1, kNarrow), right = depthwise(stem, 1, kNarrow);
    NodeSpec pool = {.kind = kPool, .inputs = {spec.add({.kind = kConcat, .inputs = {left, right}})}};
    pool.kernel_height = pool.kernel_width = 3;
    pool.stride_y = pool.stride_x = 2;
    pool.same_padding = true;
    // Weights that are widened for each band: high bands, which cost more memory, save work.
    const std::uint32_t wide = spec.add(convolution_node(spec.add(pool), 1, 1, kWide, weights(2 * kNarrow * kWide)));
    const std::uint32_t pooled = spec.add({.kind = kGlobalPool, .inputs = {depthwise(wide, 2, kWide)}});
    spec.logits = spec.probabilities =
        spec.add({.kind = kDense, .inputs = {pooled}, .weights = weights(2 * kWide), .output_channels = 2});
    const Planned planned(with_half_weights(spec), {}, 1, 0, 1000000, fovea::Arithmetic::kFloat);
    const fovea::Graph& graph = planned.model.graph;
    const fovea::PlanRequest request{.height = graph.default_height,
                                     .width = graph.default_width,
                                     .threads = 1,
                                     .kept = nullptr,
                                     .kept_count = 0,
                                     .arithmetic = fovea::Arithmetic::kFloat,
                                     .slices = false};
    Plan copying{fovea::Allocator{}, fovea::ops::detect_cpu_features()};
    REQUIRE(fovea::make_plan(graph, request, {}, &copying) == FOVEA_OK);
    CHECK(planned.plan.workspace_size <= copying.workspace_size);
    // That is so because copies were taken.
    CHECK(std::none_of(planned.plan.values.begin(), planned.plan.values.end(), [](const fovea::Value& value) { return value.is_slice(); }));
}

TEST_CASE("maps of halves take half the memory, and only those that are kept are copied") {
    using namespace model_builder;
    ModelSpec spec = tiny_spec();
    spec.golden.clear();  // made for another size
    spec.input_height = spec.input_width = 0;
    spec.default_height = spec.default_width = 64;
    const ModelSpec halves = with_half_weights(spec);
    const auto plan = [&](const ModelSpec& file, const std::vector<std::uint32_t>& kept,
                          fovea::Arithmetic arithmetic) {
        return Planned(file, kept, 1, 4, 1000000, arithmetic);
    };
    const Planned of_floats = plan(halves, {}, fovea::Arithmetic::kFloat);
    const Planned of_halves = plan(halves, {}, fovea::Arithmetic::kHalf);
    CHECK(of_floats.plan.map_type == fovea::ElementType::kF32);
    REQUIRE(of_halves.plan.map_type == fovea::ElementType::kF16);
    CHECK(of_halves.plan.arena_size < of_floats.plan.arena_size * 6 / 10);
    CHECK(of_halves.plan.copy_bytes == 0);
    const Planned kept = plan(halves, {2, 8}, fovea::Arithmetic::kHalf);  // a map and a vector
    CHECK(kept.plan.copy_bytes == kept.plan.values[2].shape.count() * sizeof(float));
    CHECK(kept.plan.workspace_size == kept.plan.arena_offset + kept.plan.arena_size + kept.plan.copy_bytes);
    CHECK(kept.plan.values[2].copy == 0);  // the first behind the arena
    // Floats in the file are never narrowed.
    const Planned wide = plan(spec, {}, fovea::Arithmetic::kHalf);
    CHECK(wide.plan.map_type == fovea::ElementType::kF32);
}
