// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"
#include "ops/lrn_gradient/lrn_gradient.h"

namespace fovea {
namespace {

struct LrnGradient {
    int radius;
    float bias, alpha, beta;
};

void run_lrn_gradient(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<LrnGradient>();
    ops::lrn_gradient_fp32({.gradient = run.operand<float>(step, 0, pixels.begin, thread),
                            .input = run.operand<float>(step, 1, pixels.begin, thread),
                            .output = run.output<float>(step, pixels.begin, thread),
                            .scratch = run.scratch<float>(step, thread),
                            .pixels = static_cast<std::size_t>(pixels.count()),
                            .channels = static_cast<int>(step.output_shape.channels),
                            .radius = own.radius,
                            .bias = own.bias,
                            .alpha = own.alpha,
                            .beta = own.beta});
}

}  // namespace

void emit_lrn_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const Node& node = writer.node(index);
    const std::uint32_t operand = writer.operand(index, 0);
    const std::uint32_t input = writer.floats_of(index, operand);
    Step& step = writer.begin(index, writer.shape(operand));
    writer.steps().read(step, gradient);
    writer.steps().read(step, input);
    writer.steps().use(step, "lrn_gradient_fp32", run_lrn_gradient);
    const float* const numbers = writer.graph().tensors[node.weights].floats();
    step.set_own(LrnGradient{static_cast<int>(node.variant), numbers[0], numbers[1], numbers[2]});
    step.scratch_bytes = std::uint64_t{step.output_shape.channels} * sizeof(float);
    writer.steps().finish(step, Unit::kPixel);
    writer.contribute(index, operand, step.output);
}

}  // namespace fovea
