// SPDX-License-Identifier: Apache-2.0
// Properties of every plan: no two values that are needed at once share a byte, everything lies in
// the workspace, and places are aligned. Plans are made of random networks.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "engine/arena.h"
#include "engine/model_file.h"
#include "engine/plan.h"
#include "ops/cpu_features.h"
#include "tests/unit/random_network.h"
#include "tests/unit/test_memory.h"

namespace {

using fovea::ArenaBlock;
using fovea::Plan;
using fovea::Step;
using fovea::StepKind;

struct Planned {
    model_builder::Bytes bytes;
    test_memory::AlignedCopy copy;
    fovea::ModelFile model;
    Plan plan{fovea::Allocator{}, fovea::ops::detect_cpu_features()};

    Planned(const model_builder::ModelSpec& spec, const std::vector<std::uint32_t>& kept)
        : bytes(model_builder::build(spec)), copy(bytes.data(), bytes.size()) {
        REQUIRE(fovea::read_model_file(copy.data(), copy.size(), {}, {}, &model) == FOVEA_OK);
        const fovea::PlanRequest request{.height = model.graph.default_height,
                                         .width = model.graph.default_width,
                                         .threads = 2,
                                         .kept = kept.data(),
                                         .kept_count = kept.size()};
        REQUIRE(fovea::make_plan(model.graph, request, {}, &plan) == FOVEA_OK);
    }
};

// Who wrote each byte of the arena last, by simulating the plan's reads and writes.
class ArenaSimulation {
  public:
    explicit ArenaSimulation(const Planned& planned)
        : plan_(planned.plan), graph_(planned.model.graph), owner_(planned.plan.arena_size, 0) {}

    void run(const std::vector<std::uint32_t>& kept) {
        for (std::uint32_t s = 0; s < plan_.step_count; ++s) {
            const Step& step = plan_.steps[s];
            for (std::uint32_t i = 0; i < step.operand_count; ++i) {
                const std::uint32_t value = plan_.operands[step.first_operand + i];
                if (!(step.reads_caller_input && value == 0)) check_intact(value);
            }
            write(step.output);
            // An operand may lie under the output only where the kernel allows that.
            for (std::uint32_t i = 0; i < step.operand_count; ++i) {
                const std::uint32_t value = plan_.operands[step.first_operand + i];
                if (step.reads_caller_input) continue;
                if (plan_.block_of[value] != plan_.block_of[step.output]) {
                    check_intact(value);
                } else {
                    const bool first = i == 0;
                    const bool residual = step.kind == StepKind::kPointwise && i == 1;
                    CHECK((residual || (first && (step.kind == StepKind::kBinary ||
                                                  step.kind == StepKind::kAffine ||
                                                  step.kind == StepKind::kActivation ||
                                                  step.kind == StepKind::kSoftmax))));
                }
            }
        }
        check_intact(graph_.logits);
        check_intact(graph_.probabilities);
        for (const std::uint32_t value : kept) check_intact(value);
    }

  private:
    // A view holds what its origin wrote.
    std::uint32_t writer_of(std::uint32_t value) const {
        while (value > 0 && graph_.nodes[value - 1].kind == fovea::NodeKind::kReshape &&
               graph_.nodes[value - 1].activation == fovea::ops::Activation::kNone) {
            value = graph_.operand(graph_.nodes[value - 1], 0);
        }
        return value + 1;  // 0 = nobody
    }
    std::pair<std::size_t, std::size_t> place(std::uint32_t value) const {
        REQUIRE(plan_.block_of[value] != fovea::kNone);
        const ArenaBlock& block = plan_.blocks[plan_.block_of[value]];
        const std::size_t bytes = plan_.shapes[value].count() * sizeof(float);
        REQUIRE(block.offset % 64 == 0);
        REQUIRE(block.offset + bytes <= plan_.arena_size);
        return {block.offset, bytes};
    }
    void write(std::uint32_t value) {
        const auto [offset, bytes] = place(value);
        std::fill_n(owner_.begin() + static_cast<long>(offset), bytes, writer_of(value));
    }
    void check_intact(std::uint32_t value) const {
        const auto [offset, bytes] = place(value);
        const auto begin = owner_.begin() + static_cast<long>(offset);
        CHECK(std::all_of(begin, begin + static_cast<long>(bytes),
                          [&](std::uint32_t owner) { return owner == writer_of(value); }));
    }

    const Plan& plan_;
    const fovea::Graph& graph_;
    std::vector<std::uint32_t> owner_;
};

}  // namespace

TEST_CASE("every value stays whole while it is needed") {
    std::size_t in_place = 0, fused = 0;
    for (std::uint32_t round = 0; round < 200; ++round) {
        std::mt19937 random(round);
        const auto network = random_network::make(random, 3 + static_cast<int>(round % 20));
        std::vector<std::uint32_t> kept;
        for (std::uint32_t i = 0; i < network.spec.nodes.size(); ++i) {
            if (random() % 4 == 0 && round % 2 == 0) kept.push_back(i + 1);
        }
        const Planned planned(network.spec, kept);
        INFO("round ", round);
        ArenaSimulation(planned).run(kept);
        std::uint32_t written = 0;
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            const Step& step = planned.plan.steps[s];
            if (step.residual != fovea::kNone) ++fused;
            if (step.operand_count == 0 ||
                step.output != planned.plan.operands[step.first_operand]) {
                ++written;
            }
        }
        if (planned.plan.block_count < written) ++in_place;
    }
    CHECK(in_place > 10);  // the tests above would say nothing about what never happens
    CHECK(fused > 3);
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
        REQUIRE(fovea::place_blocks(&blocks, count, {}, &total));
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

TEST_CASE("what nothing needs is not run") {
    model_builder::ModelSpec spec = model_builder::tiny_spec();
    const Planned whole(spec, {});
    spec.add({.kind = model_builder::kActivation,
              .inputs = {1},
              .activation = model_builder::kTanh,
              .name = "aside"});
    const Planned same(spec, {});
    CHECK(same.plan.step_count == whole.plan.step_count);
    const Planned tapped(spec, {9});
    CHECK(tapped.plan.step_count == whole.plan.step_count + 1);
}

TEST_CASE("an add is made by its convolution only when nobody else wants that") {
    using namespace model_builder;
    const auto residuals = [](const ModelSpec& spec, const std::vector<std::uint32_t>& kept) {
        const Planned planned(spec, kept);
        int count = 0;
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            count += planned.plan.steps[s].residual != fovea::kNone ? 1 : 0;
        }
        return count;
    };
    const ModelSpec spec = tiny_spec();
    CHECK(residuals(spec, {}) == 1);
    CHECK(residuals(spec, {4}) == 0);  // the projection is tapped
    CHECK(residuals(spec, {5}) == 1);  // the sum may be
    ModelSpec swapped = spec;
    std::swap(swapped.nodes[4].inputs[0], swapped.nodes[4].inputs[1]);
    CHECK(residuals(swapped, {}) == 1);
    ModelSpec activated = spec;
    activated.nodes[3].activation = kRelu;
    CHECK(residuals(activated, {}) == 0);
    ModelSpec used_twice = spec;
    used_twice.nodes[5].inputs[0] =
        4;  // the pool reads the projection: the add is then for nothing
    CHECK(residuals(used_twice, {5}) == 0);
    ModelSpec relu_after = spec;
    relu_after.nodes[4].activation = kRelu;
    CHECK(residuals(relu_after, {}) == 1);
    ModelSpec tanh_after = spec;
    tanh_after.nodes[4].activation = kTanh;  // not one that kernels fuse
    CHECK(residuals(tanh_after, {}) == 0);
}

TEST_CASE("large steps are shared among threads, small ones are not") {
    int shared = 0, alone = 0;
    for (std::uint32_t round = 0; round < 20; ++round) {
        std::mt19937 random(2000 + round);
        const auto network = random_network::make(random, 4);
        const Planned small(network.spec, {});
        for (std::uint32_t s = 0; s < small.plan.step_count; ++s) {
            alone += small.plan.steps[s].threads == 1;
            CHECK(small.plan.steps[s].threads == 1);
        }
        Plan large{fovea::Allocator{}, fovea::ops::detect_cpu_features()};
        const fovea::PlanRequest request{
            .height = 331, .width = 299, .threads = 2, .kept = nullptr, .kept_count = 0};
        if (fovea::make_plan(small.model.graph, request, {}, &large) != FOVEA_OK) continue;
        for (std::uint32_t s = 0; s < large.step_count; ++s) shared += large.steps[s].threads == 2;
    }
    CHECK(alone > 0);
    CHECK(shared > 0);
}
