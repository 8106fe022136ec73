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
    const std::size_t element = element_bytes(run.value(step.output).type);
    const std::size_t pixel = in.channels * element;
    const std::size_t stride = static_cast<std::size_t>(run.output_stride(step)) * element;
    const auto clear = [&](std::uint8_t* output, std::uint64_t pixels) {
        run.for_each_packed(step, pixels, [&](std::uint64_t, std::uint64_t to, std::uint64_t count) {
            std::memset(output + to * element, 0, count * pixel);
        });
    };
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        auto* const output = run.output<std::uint8_t>(step, y * out.width, thread);
        const bool inside = y >= padding.top && y - padding.top < in.height;
        if (!inside) {
            clear(output, out.width);
            continue;
        }
        clear(output, padding.left);
        auto* const within = output + padding.left * stride;
        const auto* const input = run.operand<std::uint8_t>(step, 0, (y - padding.top) * in.width, thread);
        run.for_each_packed(step, in.width, [&](std::uint64_t from, std::uint64_t to, std::uint64_t count) {
            std::memcpy(within + to * element, input + from * element, count * pixel);
        });
        clear(within + in.width * stride, padding.right);
    }
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    step.rows = RowMap::window(1, node.padding.top, 1, step.input_shape.height);
    writer.use(step, "copy", run_pad);
    step.set_own(node.padding);
    step.strides = true;
    writer.finish(step, Unit::kRow);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation pad_operation = {type_of_map, emit};

}  // namespace fovea
