// SPDX-License-Identifier: Apache-2.0
#include "ops/dense/dense.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "engine/steps/weights.h"

namespace fovea {
namespace {

template <typename Weight>
void run_dense(const Run& run, const Step& step, Range panels, std::uint32_t) {
    const auto& layer = step.get_own<LayerWeights>();
    step.call(ops::DenseArgs<Weight>{.input = run.operand<float>(step, 0),
                                     .output = run.output<float>(step),
                                     .weights = static_cast<const Weight*>(layer.data),
                                     .bias = layer.bias_in<float>(run),
                                     .in_features = static_cast<int>(step.input_shape.channels),
                                     .out_features = static_cast<int>(step.output_shape.channels),
                                     .panel_begin = static_cast<int>(panels.begin),
                                     .panel_end = static_cast<int>(panels.end)});
}

}  // namespace

// Vectors are floats, and there are kernels for weights of either type.
ops::Activation emit_dense(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    const LayerWeights layer = writer.read_weights(step, index, ElementType::kF32);
    with_element(layer.type,
                 [&]<typename Weight>() { writer.use_kernel<ops::DenseArgs<Weight>>(step, run_dense<Weight>); });
    step.set_own(layer);
    step.streams = false;
    step.strides = true;  // from a pixel to itself
    step.multiply_adds = multiply_adds(writer.graph(), writer.node(index), step.output_shape);
    writer.finish(step, Unit::kPanel);
    return ops::Activation::kNone;
}

constinit const Operation dense_operation = {type_of_floats, emit_dense};

}  // namespace fovea
