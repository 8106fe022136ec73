// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

// The channels from own on.
void run_slice(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto* input = run.operand<float>(step, 0, pixels.begin, thread) + step.get_own<std::uint32_t>();
    auto* output = run.output<float>(step, pixels.begin, thread);
    for (std::uint64_t p = 0; p < pixels.count(); ++p) {
        std::memcpy(output, input, step.output_shape.channels * sizeof(float));
        input += run.operand_stride(step, 0);
        output += run.output_stride(step);
    }
}

}  // namespace

void emit_concat_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    std::uint32_t channel = 0;
    for (std::uint32_t i = 0; i < writer.node(index).operand_count; ++i) {
        const std::uint32_t operand = writer.operand(index, i);
        Step& step = writer.begin(index, writer.shape(operand));
        writer.steps().read(step, gradient);
        writer.steps().use(step, "copy", run_slice);
        step.set_own(channel);
        writer.steps().finish(step, Unit::kPixel);
        writer.contribute(index, operand, step.output);
        channel += writer.shape(operand).channels;
    }
}

}  // namespace fovea
