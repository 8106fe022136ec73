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

// Rounded up to whole panels.
std::uint64_t round_up_8(std::uint64_t n);

// A convolution that is a matrix product over the pixels.
bool is_pointwise_node(const Node& node);

// A pool of the whole map, named so or by a window of the map's size.
bool is_global_pool_node(const Node& node, const Shape& map);

// What a step does, in multiply-adds; moving elements counts too.
std::uint64_t step_work(const Step& step);

// How many threads that much work pays for waking.
std::uint64_t worthwhile_threads(const PlanRequest& request, std::uint64_t work);

// Fills a plan's shapes (from those of the graph's values), steps and operands, and counts its
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
          gated_by_(allocator),
          pooled_by_(allocator),
          row_pools_(allocator),
          absorbed_(allocator),
          root_(allocator) {}

    // False when out of memory.
    [[nodiscard]] bool build(const Buffer<Shape>& shapes);

    // By value: the value whose storage it views (itself, unless it is a reshape).
    const Buffer<std::uint32_t>& root() const { return root_; }

  private:
    const Shape& shape(std::uint32_t value) const { return plan_.shapes[value]; }
    // The name of one of the kernels for maps of the value's elements.
    template <typename Choose>
    const char* kernel_for(std::uint32_t value, const Choose& choose) const {
        return plan_.is_half(value) ? choose(plan_.kernels.halves).name
                                    : choose(plan_.kernels.floats).name;
    }

    static bool pools_rows(const Node& node, const Shape& map);
    std::size_t count_row_pools(const Buffer<Shape>& shapes) const;
    void list_row_pools();
    void count_uses();
    std::uint32_t foldable_gate(const Node& convolution) const;
    void choose_gates();
    std::uint32_t absorbable_operand(const Node& add) const;
    void choose_fusions();
    void emit_steps();
    Step& emit(StepKind kind, std::uint32_t node, std::uint32_t output, const char* kernel);
    void read(Step& step, std::uint32_t value);
    void emit_node(std::uint32_t index);
    void emit_widening(std::uint32_t index);
    void emit_row_pools(std::uint32_t value);
    void emit_global_pool(std::uint32_t index, const Node& node);
    void read_convolution_input(Step& step, std::uint32_t index);
    void read_gate(Step& step, std::uint32_t index);
    void emit_convolution(std::uint32_t index, const Node& node);
    void emit_window(StepKind kind, std::uint32_t index, const Node& node, const char* kernel);
    void emit_plain(StepKind kind, std::uint32_t index, const Node& node, const char* kernel);
    void emit_activation(std::uint32_t index, std::uint32_t value, ops::Activation activation,
                         float parameter);
    const char* dense_kernel(const Node& node) const;
    void set_constants(Step& step, const Node& node);
    void set_units(Step& step) const;

    const Graph& graph_;
    const PlanRequest& request_;
    Plan& plan_;
    Buffer<std::uint32_t> uses_;      // by value: operand references, kept values count once more
    // By value: how many nodes of the graph read it, whether they are needed or not. What changes
    // bits is decided by this, so that no tap changes any.
    Buffer<std::uint32_t> consumers_;
    Buffer<std::uint32_t> gated_by_;  // by node: the multiplication that its weights take over
    struct RowPool {
        std::uint32_t rows;  // value: the map's rows pooled; or kNone
        std::uint32_t next;  // the next node that pools the same map, or kNone
    };
    Buffer<std::uint32_t> pooled_by_;  // by value: the first node that pools it, or kNone
    Buffer<RowPool> row_pools_;        // by node
    Buffer<std::uint32_t> absorbed_;  // by node: 1 = its work is done by the add that uses it
    Buffer<std::uint32_t> root_;
    std::size_t operand_total_ = 0;
    bool input_as_floats_ = false;
};

}  // namespace fovea
