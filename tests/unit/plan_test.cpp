// SPDX-License-Identifier: Apache-2.0
// Properties of every plan: no two values that are needed at once share a byte, everything lies in
// the workspace, and places are aligned. Plans are made of random networks.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/plan/arena.h"
#include "engine/plan/band_walk.h"
#include "engine/model/model_file.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/range.h"
#include "ops/cpu_features.h"
#include "tests/unit/random_network.h"
#include "tests/unit/test_memory.h"

namespace {

using fovea::ArenaBlock;
using fovea::NodeKind;
using fovea::Plan;
using fovea::Segment;
using fovea::Step;
using fovea::Value;

struct Planned {
    model_builder::Bytes bytes;
    test_memory::AlignedCopy copy;
    fovea::ModelFile model;
    Plan plan{fovea::Allocator{}, fovea::ops::detect_cpu_features()};

    // work_per_thread 1: everything that can be is shared.
    Planned(const model_builder::ModelSpec& spec, const std::vector<std::uint32_t>& kept,
            std::uint32_t threads = 2, std::uint32_t band = 0,
            std::uint64_t work_per_thread = 1000000,
            fovea::Arithmetic arithmetic = fovea::Arithmetic::kBest)
        : bytes(model_builder::build(spec)), copy(bytes.data(), bytes.size()) {
        REQUIRE(fovea::read_model_file(copy.data(), copy.size(), {}, {}, &model) == FOVEA_OK);
        const fovea::PlanRequest request{.height = model.graph.default_height,
                                         .width = model.graph.default_width,
                                         .threads = threads,
                                         .kept = kept.data(),
                                         .kept_count = kept.size(),
                                         .band = band,
                                         .arithmetic = arithmetic,
                                         .work_per_thread = work_per_thread};
        REQUIRE(fovea::make_plan(model.graph, request, {}, &plan) == FOVEA_OK);
    }
};

bool begins(const char* text, const char* with) {
    return std::string(text).starts_with(with);
}
// What a pointwise convolution took over: an addition, which it may write over, and a gate, which it reads whole.
bool has_residual(const Step& step) {
    return begins(step.kernel, "pointwise_conv_") && step.may_overwrite != 0;
}
bool has_gate(const Step& step) {
    return begins(step.kernel, "pointwise_conv_") && step.reads_whole != 0;
}
// Reads the caller's pixels instead of what its node reads, the rescaled ones.
bool rescales(const fovea::Graph& graph, const Step& step) {
    return step.reads_caller_input && begins(step.kernel, "stem_pixels_") &&
           graph.operand(graph.nodes[step.node], 0) != 0;
}

// Which row of which value each float of the arena holds, by simulating the plan's reads and writes
// row by row. What rows a step reads is worked out here from the graph, not taken from the plan.
class ArenaSimulation {
  public:
    explicit ArenaSimulation(const Planned& planned)
        : plan_(planned.plan),
          graph_(planned.model.graph),
          owner_(planned.plan.arena_size / kPlaceBytes, 0) {
        for (std::size_t s = 0; s < plan_.step_count; ++s) {
            if (plan_.steps[s].joins) joins_[plan_.steps[s].output] = &plan_.steps[s];
        }
    }

    // Threads take part one after the other, in this order or the reverse; between two barriers no
    // other order could show more.
    void run(const std::vector<std::uint32_t>& kept, bool reversed = false) {
        for (std::size_t g = 0; g < plan_.segment_count; ++g) {
            const Segment& segment = plan_.segments[g];
            REQUIRE(segment.threads >= 1);
            REQUIRE(segment.threads <= plan_.threads);
            if (segment.band == 0) {
                REQUIRE(segment.step_count == 1);
                run_whole(plan_.steps[segment.first_step]);
                continue;
            }
            ++streamed;
            made_by_.clear();
            if (segment.threads > 1) ++shared;
            for (std::uint32_t i = 0; i < segment.threads; ++i) {
                run_bands(segment, reversed ? segment.threads - 1 - i : i);
            }
            // Nothing that outlives the segment may have been missed by all threads.
            check_intact(plan_.steps[segment.first_step + segment.step_count - 1].output);
        }
        check_intact(graph_.logits);
        check_intact(graph_.probabilities);
        for (const std::uint32_t value : kept) check_intact(value);
    }

    int streamed = 0, shared = 0, rings = 0, of_halves = 0, made_there = 0;

  private:
    // A view holds what its origin wrote. Behind the graph's values come the rows of global pools.
    std::uint32_t origin_of(std::uint32_t value) const {
        if (value >= graph_.value_count()) return value;
        while (value > 0 && graph_.nodes[value - 1].kind == fovea::NodeKind::kReshape &&
               graph_.nodes[value - 1].activation == fovea::ops::Activation::kNone) {
            const std::uint32_t viewed = graph_.operand(graph_.nodes[value - 1], 0);
            if (plan_.values[viewed].type != plan_.values[value].type) break;  // widened, not viewed
            value = viewed;
        }
        return value;
    }
    static std::uint64_t tag(std::uint32_t value, std::uint64_t row) {
        return (std::uint64_t{value} + 1) << 32 | row;
    }
    // Visits the places of so many channels of a value's row, from that channel of it on.
    template <typename Visit>
    void for_each_place(std::uint32_t value, std::uint64_t row, std::uint32_t thread, std::uint32_t channel, std::uint32_t channels,
                        const Visit& visit) {
        const Value& placed = plan_.values[value];
        REQUIRE(placed.block != fovea::kNone);
        const ArenaBlock& block = plan_.blocks[placed.block];
        REQUIRE(block.offset % 64 == 0);
        const Value& whole = plan_.values[placed.root];
        const std::uint64_t element = fovea::element_bytes(placed.type);
        const std::uint64_t stride = placed.is_slice() ? whole.shape.channels : placed.shape.channels;
        REQUIRE(placed.channel + placed.shape.channels <= std::max(stride, std::uint64_t{placed.shape.channels}));
        REQUIRE(placed.pixel_stride == stride);
        REQUIRE(placed.offset == block.offset + placed.channel * element);
        REQUIRE(placed.ring_rows == whole.ring_rows);
        const std::uint64_t row_bytes = placed.shape.width * stride * element;
        std::uint64_t offset = row * row_bytes;
        if (placed.ring_rows != 0) offset = thread * placed.thread_bytes + row % placed.ring_rows * row_bytes;
        REQUIRE(offset + row_bytes <= block.size);
        REQUIRE(block.offset + block.size <= plan_.arena_size);
        for (std::uint64_t x = 0; x < placed.shape.width; ++x) {
            std::uint64_t* const at = owner_.data() + (placed.offset + offset + (x * stride + channel) * element) / kPlaceBytes;
            for (std::uint64_t i = 0; i < channels * element / kPlaceBytes; ++i) visit(at[i]);
        }
    }
    // Visits the operands that were joined to the value, with the channel at which each begins in it, and whether it was made there.
    template <typename Visit>
    void for_each_part(const Step& join, const Visit& visit) const {
        std::uint32_t channel = 0;
        for (std::uint32_t i = 0; i < join.operand_count; ++i) {
            const std::uint32_t part = plan_.operand(join, i);
            const Value &placed = plan_.values[part], &whole = plan_.values[join.output];
            const bool there = placed.is_slice() && placed.root == whole.root && placed.channel == whole.channel + channel;
            visit(part, channel, there);
            channel += placed.shape.channels;
        }
    }

    void write_row(const Step& step, std::uint64_t row, std::uint32_t thread) {
        const std::uint32_t value = step.output;
        const auto write = [&](std::uint32_t channel, std::uint32_t channels) {
            for_each_place(value, row, thread, channel, channels, [&](std::uint64_t& owner) { owner = tag(value, row); });
        };
        if (!step.joins) return write(0, plan_.values[value].shape.channels);
        for_each_part(step, [&](std::uint32_t part, std::uint32_t channel, bool there) {
            if (there) ++made_there;
            if (!there) write(channel, plan_.values[part].shape.channels);
        });
    }
    bool row_is_intact(std::uint32_t value, std::uint64_t row, std::uint32_t thread) {
        const std::uint32_t origin = origin_of(value);
        bool intact = true;
        const auto check = [&](std::uint32_t channel, std::uint32_t channels) {
            for_each_place(origin, row, thread, channel, channels,
                           [&](const std::uint64_t& owner) { intact = intact && owner == tag(origin, row); });
        };
        const auto join = joins_.find(origin);
        if (join == joins_.end()) {
            check(0, plan_.values[origin].shape.channels);
            return intact;
        }
        for_each_part(*join->second, [&](std::uint32_t part, std::uint32_t channel, bool there) {
            // An activation where they lie makes the slices the value's own.
            if (there && row_is_intact(part, row, thread)) return;
            check(channel, plan_.values[part].shape.channels);
        });
        return intact;
    }
    // Whether two values lie in the same memory, which slices of one value beside each other do not.
    bool overlap(std::uint32_t a, std::uint32_t b) const {
        const Value &left = plan_.values[a], &right = plan_.values[b];
        if (left.block != right.block) return false;
        if (left.root != right.root) return true;
        return left.channel < right.channel + right.shape.channels && right.channel < left.channel + left.shape.channels;
    }
    void check_intact(std::uint32_t value) {
        const std::uint32_t origin = origin_of(value);
        REQUIRE(plan_.values[origin].ring_rows == 0);
        bool intact = true;
        for (std::uint64_t y = 0; y < plan_.values[origin].shape.height; ++y) {
            intact = intact && row_is_intact(origin, y, 0);
        }
        CHECK(intact);
    }

    static bool is_activation(const Step& step) { return begins(step.kernel, "activation_"); }
    // The operand's rows that output row y is made of: [first, end).
    std::pair<std::int64_t, std::int64_t> rows_read(const Step& step, std::uint32_t operand,
                                                    std::int64_t y) const {
        const fovea::Shape& shape = plan_.values[operand].shape;
        std::int64_t first = y, end = y + 1;
        if (step.node == fovea::kNone || step.output >= graph_.value_count() || is_activation(step)) return {first, end};
        const fovea::Node& node = graph_.nodes[step.node];
        const bool pools_all = fovea::is_global_pool_node(node, shape) || node.kind == NodeKind::kGlobalPool;
        if ((node.kind == NodeKind::kConvolution && !fovea::is_pointwise_node(node)) ||
            node.kind == NodeKind::kDepthwise || (node.kind == NodeKind::kPool && !pools_all)) {
            const fovea::Padding padding = fovea::resolve_padding(node, shape);
            first = y * node.stride_y - padding.top;
            end = first + std::int64_t{node.kernel_height - 1} * std::max(node.dilation_y, 1u) + 1;
        } else if (node.kind == NodeKind::kPad) {
            first = y - node.padding.top;
            end = first + 1;
        } else if (pools_all || node.kind == NodeKind::kDense || shape.height != step.output_shape.height) {
            first = 0;
            end = shape.height;
        }
        return {std::max<std::int64_t>(first, 0), std::min<std::int64_t>(end, shape.height)};
    }
    void check_operands(const Step& step, std::uint64_t y, std::uint32_t thread, bool written) {
        for (std::uint32_t i = 0; i < step.operand_count; ++i) {
            const std::uint32_t value = plan_.operand(step, i);
            if (step.reads_caller_input && value == 0) continue;
            // An operand may lie under the output only where the kernel allows that.
            if (written && !step.joins && overlap(value, step.output)) {
                CHECK(((i == 1 && has_residual(step)) ||
                       (i == 0 && (begins(step.kernel, "binary_") || begins(step.kernel, "affine_") ||
                                   is_activation(step) || begins(step.kernel, "softmax_")))));
                continue;
            }
            const bool view = origin_of(value) != value;
            auto [row, end] = rows_read(step, value, static_cast<std::int64_t>(y));
            if (view) {
                row = 0;
                end = plan_.values[origin_of(value)].shape.height;
            }
            bool intact = true;
            for (; row < end; ++row) {
                intact = intact && row_is_intact(value, static_cast<std::uint64_t>(row), thread);
            }
            CHECK(intact);
        }
    }
    // What a step makes of its weights, over whatever else may lie there.
    void write_scratch(const Step& step, std::uint32_t thread) {
        if (step.scratch_block == fovea::kNone) return;
        const ArenaBlock& block = plan_.blocks[step.scratch_block];
        REQUIRE(step.scratch_offset == block.offset);
        REQUIRE((thread + 1) * step.scratch_bytes <= block.size);
        REQUIRE(block.offset + block.size <= plan_.arena_size);
        std::fill_n(owner_.data() + (block.offset + thread * step.scratch_bytes) / kPlaceBytes,
                    step.scratch_bytes / kPlaceBytes, 0);
    }
    void run_row(const Step& step, std::uint64_t y, std::uint32_t thread) {
        write_scratch(step, thread);
        check_operands(step, y, thread, false);
        write_row(step, y, thread);
        check_operands(step, y, thread, true);
    }
    void run_whole(const Step& step) {
        CHECK(plan_.values[step.output].ring_rows == 0);
        for (std::uint64_t y = 0; y < step.output_shape.height; ++y) run_row(step, y, 0);
    }
    void run_bands(const Segment& segment, std::uint32_t thread) {
        const Step* const steps = &plan_.steps[segment.first_step];
        const Step& last = steps[segment.step_count - 1];
        const fovea::Range range =
            fovea::share_of(last.output_shape.height, 1, thread, segment.threads);
        fovea::BandWalk walk(plan_, segment, range.begin, range.end);
        while (walk.next_band()) {
            for (std::uint32_t i = 0; i < segment.step_count; ++i) {
                if (plan_.values[steps[i].output].ring_rows != 0) ++rings;
                for (std::uint64_t y = walk.done(i); y < walk.target(i); ++y) {
                    run_row(steps[i], y, thread);
                    if (plan_.values[steps[i].output].ring_rows != 0) continue;
                    // What all threads see is made by one of them.
                    CHECK(made_by_.try_emplace(tag(steps[i].output, y), thread).first->second == thread);
                }
            }
        }
    }

    const Plan& plan_;
    const fovea::Graph& graph_;
    static constexpr std::size_t kPlaceBytes = sizeof(fovea::ops::Half);
    std::vector<std::uint64_t> owner_;  // by the bytes of a half, of which a float has two
    std::map<std::uint32_t, const Step*> joins_;       // by value that it makes
    std::map<std::uint64_t, std::uint32_t> made_by_;  // by tag of a row that is stored whole: the thread that made it in this segment
};

}  // namespace

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

TEST_CASE("what nothing needs is not run") {
    model_builder::ModelSpec spec = model_builder::tiny_spec();
    const Planned whole(spec, {});
    spec.add({.kind = model_builder::kActivation,
              .inputs = {1},
              .activation = model_builder::kTanh,
              .name = "aside"});
    const Planned same(spec, {});
    CHECK(same.plan.step_count == whole.plan.step_count);
    const Planned tapped(spec, {9});  // and the rescaling for it, otherwise done by the stem
    CHECK(tapped.plan.step_count == whole.plan.step_count + 2);
}

TEST_CASE(
    "the first convolution reads the caller's pixels and rescales them if only it wants that") {
    using namespace model_builder;
    struct Found {
        bool reads, rescales;
        std::size_t steps;
    };
    const auto find = [](const ModelSpec& spec, const std::vector<std::uint32_t>& kept) {
        const Planned planned(spec, kept);
        Found found = {false, false, planned.plan.step_count};
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            const Step& step = planned.plan.steps[s];
            if (!begins(step.kernel, "conv2d_") && !begins(step.kernel, "stem_pixels_")) continue;
            CHECK(step.reads_caller_input == begins(step.kernel, "stem_pixels_fp32_"));
            found.reads = step.reads_caller_input;
            found.rescales = rescales(planned.model.graph, step);
        }
        return found;
    };
    const ModelSpec spec = tiny_spec();
    const Found fused = find(spec, {});
    CHECK(fused.reads);
    CHECK(fused.rescales);
    const auto apart = [&](const ModelSpec& changed, const std::vector<std::uint32_t>& kept) {
        const Found found = find(changed, kept);
        CHECK_FALSE(found.reads);
        CHECK_FALSE(found.rescales);
        CHECK(found.steps > fused.steps);
    };
    apart(spec, {1});  // the rescaled pixels are tapped
    ModelSpec used_twice = spec;
    used_twice.add({.kind = kActivation, .inputs = {1}, .activation = kTanh});
    apart(used_twice, {9});
    CHECK(find(used_twice, {}).rescales);  // but that one is for nothing
    ModelSpec activated = spec;
    activated.nodes[0].activation = kRelu;
    apart(activated, {});
    ModelSpec wide = spec;
    wide.nodes[1].kernel_height = 17;
    wide.nodes[1].weights.resize(17 * 3 * 3 * 5);
    apart(wide, {});
    ModelSpec as_it_is = spec;  // nothing rescales
    as_it_is.nodes[1].inputs = {0};
    const Found plain = find(as_it_is, {});
    CHECK(plain.reads);
    CHECK_FALSE(plain.rescales);
    CHECK(plain.steps == fused.steps);
    as_it_is.add({.kind = kActivation, .inputs = {0}, .activation = kTanh});
    apart(as_it_is, {9});  // another node needs the input as floats
}

TEST_CASE("an add is made by its convolution only when nobody else wants that") {
    using namespace model_builder;
    const auto residuals = [](const ModelSpec& spec, const std::vector<std::uint32_t>& kept) {
        const Planned planned(spec, kept);
        int count = 0;
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            count += has_residual(planned.plan.steps[s]) ? 1 : 0;
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

TEST_CASE("a gate is taken over by the weights only where there are fewer of them, tapped or not") {
    using namespace model_builder;
    ModelSpec spec = tiny_spec();  // value 5 is a sum of 5 channels
    spec.golden.clear();           // made for another size
    spec.input_height = spec.input_width = 0;
    const std::uint32_t gate = spec.add({.kind = kGlobalPool, .inputs = {5}});
    const std::uint32_t product = spec.add({.kind = kMultiply, .inputs = {5, gate}});
    NodeSpec convolution = spec.nodes[3];
    convolution.name = "gated";
    convolution.inputs = {product};
    NodeSpec dense = spec.nodes[6];
    dense.name = "gated logits";
    dense.inputs = {spec.add({.kind = kGlobalPool, .inputs = {spec.add(convolution)}})};
    spec.logits = spec.add(dense);
    spec.probabilities = spec.add({.kind = kSoftmax, .inputs = {spec.logits}});
    const auto gates = [&](const ModelSpec& changed, const std::vector<std::uint32_t>& kept) {
        const Planned planned(changed, kept);
        int count = 0;
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            const Step& step = planned.plan.steps[s];
            if (!has_gate(step)) continue;
            CHECK(planned.plan.operand(step, step.operand_count - 1) == gate);
            CHECK(planned.plan.operand(step, 0) == 5);
            ++count;
        }
        return count;
    };
    spec.default_height = spec.default_width = 6;  // 3 x 3 pixels, 5 output channels
    CHECK(gates(spec, {}) == 1);
    CHECK(gates(spec, {product}) == 1);  // made for the tap alone
    ModelSpec small = spec;
    small.default_height = small.default_width = 4;  // 2 x 2 pixels
    CHECK(gates(small, {}) == 0);
    ModelSpec activated = spec;
    activated.nodes[product - 1].activation = kRelu;
    CHECK(gates(activated, {}) == 0);
    ModelSpec used_twice = spec;
    used_twice.add({.kind = kActivation, .inputs = {product}, .activation = kTanh});
    CHECK(gates(used_twice, {}) == 0);
}

TEST_CASE("what is joined is made where it is joined, unless somebody wants it otherwise") {
    using namespace model_builder;
    struct Counts {
        int slices = 0, copies = 0;
        bool operator==(const Counts&) const = default;
    };
    // The padded map is kept, beside which all others are small, so that memory never speaks for copies.
    const auto count = [](const ModelSpec& spec, std::vector<std::uint32_t> kept) {
        for (std::uint32_t i = 0; i < spec.nodes.size(); ++i) {
            if (spec.nodes[i].kind == kPad) kept.push_back(i + 1);
        }
        const Planned planned(spec, kept, 1);
        Counts counts;
        for (const Value& value : planned.plan.values) counts.slices += value.is_slice();
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            const Step& step = planned.plan.steps[s];
            counts.copies += step.joins && std::string(step.kernel) == "copy";
        }
        return counts;
    };
    const auto pool = [](std::uint32_t input) {
        NodeSpec node = {.kind = kPool, .inputs = {input}, .kernel_height = 3, .kernel_width = 3};
        node.stride_y = node.stride_x = 1;
        node.same_padding = true;
        return node;
    };
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 20;
    const std::uint32_t map = spec.add(pool(0));
    const std::uint32_t mean = spec.add({.kind = kChannelReduce, .inputs = {map}});
    const std::uint32_t most = spec.add({.kind = kChannelReduce, .inputs = {map}, .variant = 1});
    const std::uint32_t joined = spec.add({.kind = kConcat, .inputs = {mean, most}});
    const auto with_head = [&pool](ModelSpec body, std::uint32_t value) {
        NodeSpec pad = {.kind = kPad, .inputs = {body.add(pool(value))}};
        pad.top = pad.left = pad.bottom = pad.right = 40;
        const std::uint32_t pooled = body.add({.kind = kGlobalPool, .inputs = {body.add(pad)}});
        const std::uint32_t channel = body.add({.kind = kChannelReduce, .inputs = {pooled}});
        body.logits = body.probabilities =
            body.add({.kind = kDense, .inputs = {channel}, .weights = {0.5f, -0.5f}, .output_channels = 2});
        return body;
    };
    const ModelSpec plain = with_head(spec, joined);
    CHECK(count(plain, {}) == Counts{2, 0});
    CHECK(count(plain, {mean}) == Counts{1, 1});    // seen, and so alone
    CHECK(count(plain, {joined}) == Counts{2, 0});  // as this is
    CHECK(count(plain, {mean, most}) == Counts{0, 1});
    ModelSpec twice = spec;
    twice.nodes[joined - 1].inputs.push_back(mean);  // it can be in one place only
    CHECK(count(with_head(twice, joined), {}) == Counts{2, 1});
    ModelSpec viewed = spec;
    viewed.add({.kind = kReshape, .inputs = {mean}});
    CHECK(count(with_head(viewed, joined), {joined + 1}) == Counts{1, 1});
    ModelSpec nested = spec;
    const std::uint32_t again = nested.add({.kind = kConcat, .inputs = {map, joined}});
    CHECK(count(with_head(nested, again), {}) == Counts{4, 0});
    // An activation of what is joined, done where it lies, changes its parts: those that nobody else reads may be slices.
    ModelSpec activated = spec;
    activated.nodes[joined - 1].activation = kTanh;
    CHECK(count(with_head(activated, joined), {}) == Counts{2, 0});
    const std::uint32_t other = activated.add({.kind = kAdd, .inputs = {mean, joined}});
    activated.nodes[other - 1].inputs = {mean, most};
    CHECK(count(with_head(activated, joined), {other}) == Counts{0, 1});
    activated.nodes[joined - 1].activation = 0;
    CHECK(count(with_head(activated, joined), {other}) == Counts{2, 0});
    // The input is made elements by a step that packs them.
    ModelSpec of_input = spec;
    of_input.nodes[joined - 1].inputs = {0, mean};
    CHECK(count(with_head(of_input, joined), {}) == Counts{1, 1});
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

TEST_CASE("a global pool takes the rows of its map as they are made") {
    using namespace model_builder;
    const auto row_pools = [](const ModelSpec& spec) {
        const Planned planned(spec, {}, 1);
        int count = 0;
        for (std::size_t g = 0; g < planned.plan.segment_count; ++g) {
            const Segment& segment = planned.plan.segments[g];
            for (std::uint32_t i = 1; i < segment.step_count; ++i) {
                count += planned.plan.steps[segment.first_step + i].sums_rows;
            }
        }
        return count;
    };
    ModelSpec spec = tiny_spec();
    spec.golden.clear();  // made for another size
    spec.input_height = spec.input_width = 0;
    spec.default_height = spec.default_width = 12;
    CHECK(row_pools(spec) == 1);
    ModelSpec window = spec;  // of the map's size: as good as global
    window.nodes[5].kind = kPool;
    window.nodes[5].kernel_height = window.nodes[5].kernel_width = 6;
    window.nodes[5].stride_y = window.nodes[5].stride_x = 1;
    CHECK(row_pools(window) == 1);
    spec.default_height = spec.default_width = 2;  // one pixel
    CHECK(row_pools(spec) == 0);
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

TEST_CASE("the rows of a window and of its transpose are those that touch it") {
    for (const std::int64_t stride : {1, 2, 3, 5}) {
        for (const std::int64_t extent : {1, 2, 3, 7}) {
            for (const std::int64_t pad : {0, 1, 2, 4, 9}) {
                for (const std::int64_t above : {1, 4, 19}) {  // rows that the window moves over
                    const std::int64_t below = (above + 2 * pad - extent) / stride + 1;  // windows
                    if (above + 2 * pad < extent) continue;
                    INFO("stride ", stride, ", extent ", extent, ", pad ", pad, ", ", above, " rows");
                    const auto unsigned_of = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
                    const auto forward = fovea::RowMap::window(unsigned_of(stride), unsigned_of(pad),
                                                               static_cast<std::uint64_t>(extent), unsigned_of(above));
                    const auto back = fovea::RowMap::transposed_window(
                        unsigned_of(stride), unsigned_of(pad), static_cast<std::uint64_t>(extent), unsigned_of(below));
                    const auto touches = [&](std::int64_t window, std::int64_t row) {
                        return window * stride - pad <= row && row < window * stride - pad + extent;
                    };
                    const auto check = [](const fovea::RowMap& map, std::int64_t outputs, std::int64_t operands,
                                          const auto& needs) {
                        std::int64_t end = 0;
                        for (std::int64_t y = 0; y < outputs; ++y) {
                            std::int64_t first = operands;
                            for (std::int64_t r = operands; r-- > 0;) {
                                if (needs(y, r)) first = r;
                                if (needs(y, r)) end = std::max(end, r + 1);
                            }
                            // Rows that nothing needs may be counted in, never one that is needed left out.
                            CHECK(static_cast<std::int64_t>(map.first(static_cast<std::uint64_t>(y))) <= first);
                            CHECK(static_cast<std::int64_t>(map.end(static_cast<std::uint64_t>(y) + 1)) >= end);
                            const bool any = first < operands;
                            if (any) CHECK(static_cast<std::int64_t>(map.first(static_cast<std::uint64_t>(y))) == first);
                            if (any) CHECK(static_cast<std::int64_t>(map.end(static_cast<std::uint64_t>(y) + 1)) == end);
                        }
                    };
                    check(forward, below, above, touches);
                    check(back, above, below, [&](std::int64_t row, std::int64_t window) { return touches(window, row); });
                }
            }
        }
    }
}
