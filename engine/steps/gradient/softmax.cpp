// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"
#include "ops/softmax/softmax_gradient.h"

namespace fovea {
namespace {

void run_softmax_gradient(const Run& run, const Step& step, Range, std::uint32_t) {
    ops::softmax_gradient_fp32(run.operand<float>(step, 1), run.operand<float>(step, 0), run.output<float>(step),
                               static_cast<int>(step.output_shape.channels));
}

}  // namespace

void emit_softmax_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    Step& step = writer.begin(index, writer.shape(gradient));
    writer.steps().read(step, gradient);
    writer.steps().read(step, index + 1);  // of floats, and without an activation
    writer.steps().use(step, "softmax_gradient_fp32", run_softmax_gradient);
    step.streams = false;
    step.may_overwrite = 1u << 0;
    writer.steps().finish(step, Unit::kWhole);
    writer.contribute(index, writer.operand(index, 0), step.output);
}

}  // namespace fovea
