// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "engine/plan/band_walk.h"
#include "engine/plan/layout.h"
#include "engine/range.h"
#include "tests/unit/planned_network.h"

namespace arena_simulation {

using fovea::ArenaBlock;
using fovea::NodeKind;
using fovea::Plan;
using fovea::Segment;
using fovea::Step;
using fovea::Value;
using planned_network::begins;
using planned_network::has_residual;
using planned_network::Planned;

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

    int streamed = 0, shared = 0, rings = 0, made_there = 0;

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

}  // namespace arena_simulation
