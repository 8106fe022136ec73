// SPDX-License-Identifier: Apache-2.0
#include "ops/activation_gradient/activation_gradient.h"

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

struct Derivative {
    ops::Activation activation;
    float parameter;
};

void run_derivative(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<Derivative>();
    step.call(ops::ActivationGradientFp32Args{
        .gradient = run.operand<float>(step, 0, pixels.begin, thread),
        .known = run.operand<float>(step, 1, pixels.begin, thread),
        .output = run.output<float>(step, pixels.begin, thread),
        .count = static_cast<std::size_t>(pixels.count()) * step.output_shape.channels,
        .activation = own.activation,
        .parameter = own.parameter});
}

// What went into the node's activation, where a value has it.
std::uint32_t before_activation(const GradientWriter& writer, const StepWriter& steps, std::uint32_t index) {
    const std::uint32_t before = steps.fusion(index).before_activation;
    return before != kNone ? before : writer.operand(index, 0);
}

}  // namespace

std::uint32_t emit_derivative(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const Node& node = writer.node(index);
    const bool input = ops::derivative_needs_input(node.activation, node.activation_parameter);
    const std::uint32_t known =
        writer.floats_of(index, input ? before_activation(writer, writer.steps(), index) : index + 1);
    Step& step = writer.begin(index, writer.shape(gradient));
    writer.steps().read(step, gradient);
    writer.steps().read(step, known);
    writer.steps().use_kernel<ops::ActivationGradientFp32Args>(step, run_derivative);
    step.may_overwrite = 1u << 0;
    step.set_own(Derivative{node.activation, node.activation_parameter});
    writer.steps().finish(step, Unit::kPixel);
    return step.output;
}

// A node that is its activation alone.
void emit_activation_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    writer.contribute(index, writer.operand(index, 0), gradient);
}

}  // namespace fovea
