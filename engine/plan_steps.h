// SPDX-License-Identifier: Apache-2.0
// The first half of planning: which steps run a graph, in which order, by which kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/plan.h"

namespace fovea {

// Floats of a node's bias as its kernel wants it: panels of 8 per group.
std::uint64_t bias_floats(const Node& node);

// Rounded up to what keeps the next constant aligned.
std::uint64_t round_up_to_line(std::uint64_t floats);

// What a step does, in multiply-adds; moving elements counts too.
std::uint64_t step_work(const Step& step);

// How many threads that much work pays for waking.
std::uint64_t worthwhile_threads(const PlanRequest& request, std::uint64_t work);

// Fills a plan's steps and operands, and counts its constants and row pointers; plan.shapes must be
// there. What nobody needs makes no step.
class StepBuilder {
  public:
    StepBuilder(const Graph& graph, const PlanRequest& request, const Allocator& allocator,
                Plan* plan)
        : graph_(graph),
          request_(request),
          plan_(*plan),
          uses_(allocator),
          absorbed_(allocator),
          root_(allocator) {}

    // False when out of memory.
    [[nodiscard]] bool build();

    // By value: the value whose storage it views (itself, unless it is a reshape).
    const Buffer<std::uint32_t>& root() const { return root_; }

  private:
    const Shape& shape(std::uint32_t value) const { return plan_.shapes[value]; }

    void count_uses();
    bool is_pointwise(const Node& node) const;
    std::uint32_t absorbable_operand(const Node& add) const;
    void choose_fusions();
    void emit_steps();
    Step& emit(StepKind kind, std::uint32_t node, std::uint32_t output, const char* kernel);
    void read(Step& step, std::uint32_t value);
    void emit_node(std::uint32_t index);
    void emit_convolution(std::uint32_t index, const Node& node);
    void emit_window(StepKind kind, std::uint32_t index, const Node& node, const char* kernel);
    void emit_plain(StepKind kind, std::uint32_t index, const Node& node, const char* kernel);
    void emit_activation(std::uint32_t index, std::uint32_t value, ops::Activation activation,
                         float parameter);
    void set_constants(Step& step, const Node& node);
    void set_units(Step& step) const;

    const Graph& graph_;
    const PlanRequest& request_;
    Plan& plan_;
    Buffer<std::uint32_t> uses_;      // by value: operand references, kept values count once more
    Buffer<std::uint32_t> absorbed_;  // by node: 1 = its work is done by the add that uses it
    Buffer<std::uint32_t> root_;
    std::size_t operand_total_ = 0;
    bool input_as_floats_ = false;
};

}  // namespace fovea
