// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

void run_crop(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& padding = step.get_own<Padding>();
    const Shape& out = step.output_shape;
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        const std::uint64_t from = (y + padding.top) * step.input_shape.width;
        std::memcpy(run.output<float>(step, y * out.width, thread),
                    run.operand<float>(step, 0, from, thread) + std::size_t{padding.left} * out.channels,
                    std::size_t{out.width} * out.channels * sizeof(float));
    }
}

}  // namespace

void emit_pad_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const std::uint32_t operand = writer.operand(index, 0);
    const Padding& padding = writer.node(index).padding;
    Step& step = writer.begin(index, writer.shape(operand));
    writer.steps().read(step, gradient);
    step.rows = RowMap{1, 1, -std::int64_t{padding.top}, 1, writer.shape(gradient).height};
    writer.steps().use(step, "copy", run_crop);
    step.set_own(padding);
    writer.steps().finish(step, Unit::kRow);
    writer.contribute(index, operand, step.output);
}

// The same elements in the operand's shape.
void emit_reshape_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const std::uint32_t operand = writer.operand(index, 0);
    writer.contribute(index, operand, writer.steps().add_view(writer.shape(operand), gradient));
}

}  // namespace fovea
