// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

template <typename Element>
void run_pad(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& padding = step.get_own<Padding>();
    const Shape& in = step.input_shape;
    const Shape& out = step.output_shape;
    const std::size_t in_row = std::size_t{in.width} * in.channels;
    const std::size_t out_row = std::size_t{out.width} * out.channels;
    const std::size_t left = std::size_t{padding.left} * in.channels;
    const std::size_t right = std::size_t{padding.right} * in.channels;
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        auto* const output = run.output<Element>(step, y * out.width, thread);
        const bool inside = y >= padding.top && y - padding.top < in.height;
        if (!inside) {
            std::fill_n(output, out_row, Element{0});
            continue;
        }
        std::fill_n(output, left, Element{0});
        std::memcpy(output + left, run.operand<Element>(step, 0, (y - padding.top) * in.width, thread),
                    in_row * sizeof(Element));
        std::fill_n(output + left + in_row, right, Element{0});
    }
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    Step& step = writer.begin(index, index + 1);
    writer.read(step, writer.operand(index, 0));
    step.rows = RowMap::window(1, node.padding.top, 1, step.input_shape.height);
    with_element(writer.type(index + 1), [&]<typename Element>() { writer.use(step, "copy", run_pad<Element>); });
    step.set_own(node.padding);
    writer.finish(step, Unit::kRow);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation pad_operation = {type_of_map, emit};

}  // namespace fovea
