// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv.h"

#include "engine/steps/convert.h"
#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "engine/steps/weights.h"
#include "engine/steps/window.h"

namespace fovea {
namespace {

struct DepthwiseConv {
    LayerWeights layer;
    Window window;
    ops::Activation activation;
};

template <typename Element>
void run_depthwise(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& own = step.get_own<DepthwiseConv>();
    auto* weights = static_cast<const Element*>(own.layer.data);
    if (own.layer.type != kElementType<Element>) {
        auto* const converted = run.scratch<Element>(step, thread);
        convert_elements(own.layer.data, own.layer.type, converted, kElementType<Element>,
                         static_cast<std::size_t>(step.kernel_weight_bytes) / sizeof(Element), run.features());
        weights = converted;
    }
    const std::ptrdiff_t input_stride = run.operand_stride(step, 0), output_stride = run.output_stride(step);
    const std::uint64_t row_work = step.multiply_adds / step.output_shape.height;
    for_each_row_part(run, step, own.window, rows, row_work, thread, [&](std::uint64_t y, const RowPart& part) {
        const std::uint64_t skipped = part.skipped * static_cast<std::uint64_t>(input_stride);
        auto* const row = run.output<Element>(step, y * step.output_shape.width, thread);
        step.call(ops::DepthwiseConvArgs<Element>{
            .rows = window_rows<Element>(run, step, own.window, y, skipped, thread),
            .input_stride = input_stride,
            .output = row + part.first * static_cast<std::uint64_t>(output_stride),
            .output_stride = output_stride,
            .weights = weights,
            .bias = own.layer.bias_in<Element>(run),
            .input_width = part.input_width,
            .output_width = static_cast<int>(part.pixels),
            .channels = static_cast<int>(step.output_shape.channels),
            .kernel_height = own.window.kernel_height,
            .kernel_width = own.window.kernel_width,
            .stride_x = own.window.stride_x,
            .dilation_x = own.window.dilation_x,
            .pad_left = part.pad_left,
            .activation = own.activation});
    });
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    const ops::Activation activation = writer.fused_activation(index);
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    const Window window = read_window(writer, step, index);
    const ElementType type = writer.type(index + 1);
    const LayerWeights layer = writer.read_weights(step, index, type);
    if (layer.type != type) step.scratch_bytes = step.kernel_weight_bytes;
    step.set_own(DepthwiseConv{layer, window, activation});
    with_element(type, [&]<typename Element>() {
        writer.use_kernel<ops::DepthwiseConvArgs<Element>>(step, run_depthwise<Element>);
    });
    step.multiply_adds = multiply_adds(writer.graph(), node, step.output_shape);
    step.strides = true;
    writer.finish(step, Unit::kRow);
    return activation;
}

}  // namespace

constinit const Operation depthwise_operation = {type_of_map, emit};

}  // namespace fovea
