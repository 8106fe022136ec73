// SPDX-License-Identifier: Apache-2.0
#include "ops/affine/affine.h"

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

void run_affine_gradient(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    step.call(ops::AffineFp32Args{.input = run.operand<float>(step, 0, pixels.begin, thread),
                                  .output = run.output<float>(step, pixels.begin, thread),
                                  .scale = step.get_own<const float*>(),
                                  .offset = run.zeros(),
                                  .pixels = static_cast<std::size_t>(pixels.count()),
                                  .channels = static_cast<int>(step.output_shape.channels)});
}

}  // namespace

void emit_affine_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    Step& step = writer.begin(index, writer.shape(gradient));
    writer.steps().read(step, gradient);
    writer.steps().use_kernel<ops::AffineFp32Args>(step, run_affine_gradient);
    step.set_own(writer.graph().tensors[writer.node(index).weights].floats());
    step.may_overwrite = 1u << 0;
    writer.steps().finish(step, Unit::kPixel);
    writer.contribute(index, writer.operand(index, 0), step.output);
}

}  // namespace fovea
