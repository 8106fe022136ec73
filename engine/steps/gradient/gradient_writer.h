// SPDX-License-Identifier: Apache-2.0
// The backward pass as steps of a program: what each operation's file in this folder writes its own with.
#pragma once

#include <cstdint>

#include "engine/steps/backward_pass.h"
#include "engine/steps/step_writer.h"

namespace fovea {

// Goes through the nodes from the last to the first. A node finds its result's gradient complete, since all that read the
// result come later, and contributes to its operands'. All gradients are floats. A contribution that is the same for all pixels may be
// a vector.
class GradientWriter {
  public:
    // gradients: by value of the graph, the value that is its gradient so far, or kNone.
    GradientWriter(StepWriter& writer, const Recomputation& again, std::uint32_t* gradients)
        : writer_(writer), again_(again), gradients_(gradients) {}

    StepWriter& steps() { return writer_; }
    const Graph& graph() const { return writer_.graph(); }
    const Node& node(std::uint32_t index) const { return writer_.node(index); }
    std::uint32_t operand(std::uint32_t index, std::uint32_t i) const { return writer_.operand(index, i); }
    const Shape& shape(std::uint32_t value) const { return writer_.shape(value); }

    // A step of the node's backward pass that makes a value of that shape.
    Step& begin(std::uint32_t index, const Shape& output) {
        return writer_.begin(index, writer_.add_value(output, ElementType::kF32));
    }
    // What the forward pass made of the value, as floats: itself, made again, or a copy.
    std::uint32_t floats_of(std::uint32_t index, std::uint32_t value);
    // What was made of the value for a sum over all its pixels is made once more for whatever needs it after that, where keeping it
    // meanwhile costs much memory and making it little time.
    void forget(std::uint32_t value);
    void contribute(std::uint32_t index, std::uint32_t value, std::uint32_t gradient);
    // The value's whole gradient, of the value's shape; kNone where the objective does not depend on it.
    std::uint32_t complete(std::uint32_t index, std::uint32_t value);

  private:
    // index: the node that makes the value, or needs it as what it makes before its activation.
    std::uint32_t known(std::uint32_t index, std::uint32_t value);
    void make_again(std::uint32_t index, std::uint32_t value);

    StepWriter& writer_;
    const Recomputation& again_;
    std::uint32_t* gradients_;
};

// Fills in what is made again.
void choose_recomputation(const StepWriter& writer, const Recomputation& again);

// Each adds the steps from the gradient of what the node's operation makes, before its activation, to those of its operands.
using GradientEmit = void (*)(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient);

#define FOVEA_DECLARE_GRADIENT(number, kind, text, operation) \
    void emit_##operation##_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient);
FOVEA_NODE_KINDS(FOVEA_DECLARE_GRADIENT)
#undef FOVEA_DECLARE_GRADIENT

// The kinds of convolution whose kernels are others.
void emit_pointwise_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient);

// How the objective changes with the logits; returns that value.
std::uint32_t emit_objective_gradient(GradientWriter& writer, std::uint32_t logits);

// From the gradient of the node's result to that before its activation; returns that value.
std::uint32_t emit_derivative(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient);

// The vector times factor, as a value of its own.
std::uint32_t emit_scaled(GradientWriter& writer, std::uint32_t index, std::uint32_t vector, float factor);

}  // namespace fovea
