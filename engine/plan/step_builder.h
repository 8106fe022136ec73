// SPDX-License-Identifier: Apache-2.0
// The first part of planning: which steps run a graph, in which order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/plan/plan.h"
#include "engine/steps/step_writer.h"

namespace fovea {

// Fills a plan's values (with the shapes of the graph's), steps and operands, and counts its
// constants and row pointers. What nobody needs makes no step.
class StepBuilder {
  public:
    StepBuilder(const Graph& graph, const PlanRequest& request, const Allocator& allocator,
                Plan* plan)
        : graph_(graph),
          request_(request),
          plan_(*plan),
          uses_(allocator),
          consumers_(allocator),
          fusions_(allocator),
          pooled_by_(allocator),
          next_pool_(allocator),
          made_again_(allocator),
          distances_(allocator) {}

    // False when out of memory.
    [[nodiscard]] bool build(const Buffer<Shape>& shapes, const Buffer<ElementType>& types);

  private:
    const Shape& shape(std::uint32_t value) const { return plan_.values[value].shape; }

    // fusions.cpp:
    std::size_t count_row_pools(const Buffer<Shape>& shapes) const;
    void list_row_pools();
    void count_uses();
    std::uint32_t foldable_gate(const Node& convolution) const;
    void choose_gates();
    bool can_read_pixels(const Node& node) const;
    std::uint32_t absorbable_rescaling(const Node& convolution) const;
    std::uint32_t absorbable_operand(const Node& add) const;
    void choose_fusions();

    void keep_what_derivatives_need();
    bool is_view(const Node& node, std::uint32_t index) const;
    void set_value(std::uint32_t value, const Shape& shape, ElementType type);
    void emit_row_pools(StepWriter& writer, std::uint32_t value);
    void emit_node(StepWriter& writer, std::uint32_t index);
    void emit_steps();

    const Graph& graph_;
    const PlanRequest& request_;
    Plan& plan_;
    Buffer<std::uint32_t> uses_;      // by value: operand references, kept values count once more
    // By value: how many nodes of the graph read it, whether they are needed or not. What changes
    // bits is decided by this, so that no tap changes any.
    Buffer<std::uint32_t> consumers_;
    Buffer<Fusion> fusions_;           // by node
    Buffer<std::uint32_t> pooled_by_;  // by value: the first node that pools it, or kNone
    Buffer<std::uint32_t> next_pool_;  // by node: the next one that pools the same map, or kNone
    bool input_as_elements_ = false;
    // Of a backward pass, see Recomputation:
    Buffer<std::uint32_t> made_again_;
    Buffer<std::uint8_t> distances_;
};

}  // namespace fovea
