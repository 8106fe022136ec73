// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

// Zeros of every type are zero bits.
void run_pad(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& padding = step.get_own<Padding>();
    const Shape& in = step.input_shape;
    const Shape& out = step.output_shape;
    const std::size_t pixel = std::size_t{in.channels} * element_bytes(run.value(step.output).type);
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        auto* const output = run.output<std::uint8_t>(step, y * out.width, thread);
        const bool inside = y >= padding.top && y - padding.top < in.height;
        if (!inside) {
            std::memset(output, 0, out.width * pixel);
            continue;
        }
        std::memset(output, 0, padding.left * pixel);
        std::memcpy(output + padding.left * pixel,
                    run.operand<std::uint8_t>(step, 0, (y - padding.top) * in.width, thread), in.width * pixel);
        std::memset(output + (padding.left + in.width) * pixel, 0, padding.right * pixel);
    }
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    step.rows = RowMap::window(1, node.padding.top, 1, step.input_shape.height);
    writer.use(step, "copy", run_pad);
    step.set_own(node.padding);
    writer.finish(step, Unit::kRow);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation pad_operation = {type_of_map, emit};

}  // namespace fovea
