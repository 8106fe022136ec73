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
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        step.call(
            ops::DepthwiseConvArgs<Element>{.rows = window_rows<Element>(run, step, own.window, y, 0, thread),
                                            .input_stride = run.operand_stride(step, 0),
                                            .output = run.output<Element>(step, y * step.output_shape.width, thread),
                                            .output_stride = run.output_stride(step),
                                            .weights = weights,
                                            .bias = own.layer.bias_in<Element>(run),
                                            .input_width = static_cast<int>(step.input_shape.width),
                                            .output_width = static_cast<int>(step.output_shape.width),
                                            .channels = static_cast<int>(step.output_shape.channels),
                                            .kernel_height = own.window.kernel_height,
                                            .kernel_width = own.window.kernel_width,
                                            .stride_x = own.window.stride_x,
                                            .dilation_x = own.window.dilation_x,
                                            .pad_left = own.window.pad_left,
                                            .activation = own.activation});
    }
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
    writer.finish(step, Unit::kRow);
    return activation;
}

}  // namespace

constinit const Operation depthwise_operation = {type_of_map, emit};

}  // namespace fovea
