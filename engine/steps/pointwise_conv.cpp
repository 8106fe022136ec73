// SPDX-License-Identifier: Apache-2.0
// The convolution that is a matrix product over the pixels, with what it takes over: the gate of its input, and an addition
// to its output.
#include "ops/pointwise_conv/pointwise_conv.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "engine/steps/weights.h"
#include "ops/gate/gate.h"

namespace fovea {
namespace {

struct PointwiseConv {
    LayerWeights layer;
    AnyKernel apply_gate;
    std::uint32_t residual, gate;  // operands, or kNone
    ops::Activation activation;
};

template <typename Element>
void run_pointwise(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<PointwiseConv>();
    const bool adds = own.residual != kNone;
    const float* const gate = own.gate != kNone ? run.operand<float>(step, own.gate) : nullptr;
    const Element* const input = run.operand<Element>(step, 0, pixels.begin, thread);
    Element* const output = run.output<Element>(step, pixels.begin, thread);
    const Element* const residual = adds ? run.operand<Element>(step, own.residual, pixels.begin, thread) : nullptr;
    for_each_weight_part(
        run, step, own.layer, kElementType<Element>, gate, own.apply_gate, thread, [&](const WeightPart& part) {
            step.call(
                ops::PointwiseConvArgs<Element>{.input = input,
                                                .input_stride = run.operand_stride(step, 0),
                                                .output = output + part.channel,
                                                .output_stride = run.output_stride(step),
                                                .residual = adds ? residual + part.channel : nullptr,
                                                .residual_stride = adds ? run.operand_stride(step, own.residual) : 0,
                                                .weights = static_cast<const Element*>(part.weights),
                                                .bias = own.layer.bias_in<Element>(run) + part.bias,
                                                .pixels = static_cast<std::size_t>(pixels.count()),
                                                .in_channels = static_cast<int>(step.input_shape.channels),
                                                .out_channels = static_cast<int>(part.channels),
                                                .activation = own.activation});
        });
}

}  // namespace

ops::Activation emit_pointwise_conv(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    const Fusion& fusion = writer.fusion(index);
    const std::uint32_t place = fusion.sum != kNone ? fusion.sum : index;
    const ops::Activation activation = writer.fused_activation(place);
    Step& step = writer.begin(place, writer.result_of(place));
    writer.read(step, writer.operand(fusion.gate != kNone ? fusion.gate : index, 0));
    std::uint32_t residual = kNone, gate = kNone;
    if (fusion.sum != kNone) {
        const std::uint32_t left = writer.operand(fusion.sum, 0);
        residual = step.operand_count;
        step.may_overwrite = 1u << residual;
        writer.read(step, left == index + 1 ? writer.operand(fusion.sum, 1) : left);
    }
    if (fusion.gate != kNone) {
        gate = step.operand_count;
        step.reads_whole = 1u << gate;
        writer.read(step, writer.operand(fusion.gate, 1));
    }
    const ElementType type = writer.type(place + 1);
    const LayerWeights layer = writer.read_weights(step, index, type);
    AnyKernel apply_gate = nullptr;
    with_element(type, [&]<typename Element>() {
        writer.use_kernel<ops::PointwiseConvArgs<Element>>(step, run_pointwise<Element>);
        apply_gate = reinterpret_cast<AnyKernel>(writer.choose<ops::GateArgs<Element>>());
    });
    step.set_own(PointwiseConv{layer, apply_gate, residual, gate, activation});
    if (layer.type != type || gate != kNone) step.scratch_bytes = panel_scratch_bytes(layer, type);
    // By the CPU: 4 or 6 pixels of 4-byte elements, 8 of shorter ones.
    const bool wide = element_bytes(type) == 4;
    step.tile_pixels[0] = wide ? 4 : 8;
    step.tile_pixels[1] = wide ? 6 : 8;
    step.multiply_adds = multiply_adds(writer.graph(), node, step.output_shape);
    step.strides = true;
    writer.finish(step, Unit::kPixel);
    return activation;
}

}  // namespace fovea
