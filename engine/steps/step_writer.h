// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/align.h"
#include "engine/model/graph.h"
#include "engine/steps/step.h"
#include "engine/steps/weights.h"
#include "ops/activation.h"
#include "ops/kernel_variant.h"

namespace fovea {

// What a node's step does for other nodes, or they for it: decided once, before any step is made.
struct Fusion {
    std::uint32_t gate = kNone;       // the multiplication of its input by a gate, which its weights take over
    std::uint32_t rescaling = kNone;  // of the caller's pixels, which it does as it reads them
    std::uint32_t sum = kNone;        // the addition that it does as it writes; it then runs at that node's place
    std::uint32_t done_by = kNone;    // the node that does this one's work
    std::uint32_t row_pool = kNone;   // value: the rows of the map that it pools, already pooled
    std::uint32_t before_activation = kNone;  // value: its result as it was before its activation, which a step of its own then does
    bool before_made_again = false;   // in a backward pass alone, which makes both again: going forward the kernel activates
    bool reads_pixels = false;        // the caller's, as they are
};

// Floats of a node's bias as its kernel wants it: panels of 8 per group.
std::uint64_t bias_floats(const Node& node);

// Rounded up to what keeps the next constant aligned.
std::uint64_t round_up_to_line(std::uint64_t floats);

// Adds steps to a program. An operation's file begins one, lets it read its operands, gives it a kernel and what only
// the operation knows, and finishes it:
//
//   Step& step = writer.begin(node, node + 1);
//   writer.read(step, writer.operand(node, 0));
//   writer.use(step, ops::kThing, run_thing);
//   step.set_own(Thing{...});
//   writer.finish(step, Unit::kPixel);
class StepWriter {
  public:
    StepWriter(const Graph& graph, const Buffer<Fusion>& fusions, const Sharing& sharing, Program* program)
        : graph_(graph), fusions_(fusions), sharing_(sharing), program_(*program) {}

    const Graph& graph() const { return graph_; }
    const Node& node(std::uint32_t index) const { return graph_.nodes[index]; }
    const Fusion& fusion(std::uint32_t index) const { return fusions_[index]; }
    std::uint32_t operand(std::uint32_t index, std::uint32_t i) const { return graph_.operand(graph_.nodes[index], i); }
    const Shape& shape(std::uint32_t value) const { return program_.values[value].shape; }
    ElementType type(std::uint32_t value) const { return program_.values[value].type; }
    ops::CpuFeatureSet features() const { return program_.features; }
    const Program& program() const { return program_; }

    // Room for a value that no node makes.
    std::uint32_t add_value(const Shape& shape, ElementType type);
    // The elements of another value in another shape.
    std::uint32_t add_view(const Shape& shape, std::uint32_t value);
    // The value that the node's own step writes: its result, or that before its activation.
    std::uint32_t result_of(std::uint32_t index) const { return activates_apart(index) ? fusions_[index].before_activation : index + 1; }
    // The activation that the node's kernel does as it writes its result, if it is one that kernels can do.
    ops::Activation fused_activation(std::uint32_t index) const {
        const ops::Activation wanted = graph_.nodes[index].activation;
        return !activates_apart(index) && ops::is_fusable(wanted) ? wanted : ops::Activation::kNone;
    }
    // The steps from here on are those of a backward pass.
    void begin_backward() { goes_backward_ = true; }

    // From here on, steps read and write other values in the place of the first `count`: by value, or kNone where it stays; null
    // ends that.
    void replace_values(const std::uint32_t* replacements, std::uint32_t count) {
        replacements_ = replacements;
        replacement_count_ = replacements != nullptr ? count : 0;
    }
    // node: whose work it is, for messages.
    Step& begin(std::uint32_t node, std::uint32_t output);
    void read(Step& step, std::uint32_t value);
    // Instead of the operand that was read first.
    void read_caller_input(Step& step);
    // The best of the table's kernels: its name and its function.
    template <typename Function>
    void use(Step& step, const ops::KernelTable<Function>& table, StepFunction run) {
        use(step, table, run, allowed(table));
    }
    // The same for kernels of codes, all of which give the same bits.
    template <typename Function>
    void use_exact(Step& step, const ops::KernelTable<Function>& table, StepFunction run) {
        use(step, table, run, program_.features);
    }
    template <typename Function>
    void use(Step& step, const ops::KernelTable<Function>& table, StepFunction run, ops::CpuFeatureSet features) {
        const ops::KernelVariant<Function>& variant = table.select(features);
        step.kernel = variant.name;
        step.function = reinterpret_cast<AnyKernel>(variant.function);
        step.run = run;
    }
    // What kernels of a table may need of the CPU.
    template <typename Function>
    ops::CpuFeatureSet allowed(const ops::KernelTable<Function>& table) const {
        return table.same_bits ? program_.features : program_.float_features;
    }
    // What has no table.
    void use(Step& step, const char* name, StepFunction run) {
        step.kernel = name;
        step.run = run;
    }
    // The kernel of another step or beside the step's own.
    template <typename Args>
    auto choose() const {
        return ops::TableOf<Args>::kTable.select(allowed(ops::TableOf<Args>::kTable)).function;
    }
    // As use(), with the table of kernels that take these arguments.
    template <typename Args>
    void use_kernel(Step& step, StepFunction run) {
        use(step, ops::TableOf<Args>::kTable, run);
    }
    // The layer's weights and bias for a kernel of such elements, counted in the step. A bias that the kernel wants
    // otherwise than the file has it becomes a constant.
    LayerWeights read_weights(Step& step, std::uint32_t index, ElementType element);
    // The window has so many rows, each a pointer of the thread's.
    void need_row_pointers(std::uint32_t rows) {
        program_.row_pointers = std::max<std::uint64_t>(program_.row_pointers, rows);
    }
    void finish(Step& step, Unit unit);

  private:
    bool activates_apart(std::uint32_t index) const {
        return fusions_[index].before_activation != kNone && (goes_backward_ || !fusions_[index].before_made_again);
    }
    std::uint32_t replaced(std::uint32_t value) const {
        return value < replacement_count_ && replacements_[value] != kNone ? replacements_[value] : value;
    }

    const Graph& graph_;
    const Buffer<Fusion>& fusions_;
    const Sharing& sharing_;
    Program& program_;
    const std::uint32_t* replacements_ = nullptr;
    std::uint32_t replacement_count_ = 0;
    bool goes_backward_ = false;
};

}  // namespace fovea
