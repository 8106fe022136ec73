// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/step_writer.h"

#include <algorithm>

#include "engine/align.h"
#include "engine/steps/convert.h"

namespace fovea {
namespace {

// The kernels take a bias in panels of 8 per group, the file has it without gaps.
bool bias_needs_spreading(const Node& node) {
    return node.groups > 1 && (node.output_channels / node.groups) % 8 != 0;
}

}  // namespace

std::uint64_t bias_floats(const Node& node) {
    const std::uint64_t groups = std::max(node.groups, 1u);
    return groups * round_up_8(node.output_channels / groups);
}

std::uint64_t round_up_to_line(std::uint64_t floats) {
    return align_up(floats * sizeof(float)) / sizeof(float);
}

std::uint32_t StepWriter::add_value(const Shape& shape, ElementType type) {
    const std::uint32_t index = program_.value_total++;
    Value& value = program_.values[index];
    value = {};
    value.shape = shape;
    value.type = type;
    value.root = index;
    value.pixel_stride = shape.channels;
    return index;
}

std::uint32_t StepWriter::add_view(const Shape& shape, std::uint32_t value) {
    const std::uint32_t view = add_value(shape, type(value));
    program_.values[view].root = program_.root(value);
    return view;
}

Step& StepWriter::begin(std::uint32_t node, std::uint32_t output) {
    Step& step = program_.steps[program_.step_count++];
    step = {};
    step.node = node;
    step.first_operand = static_cast<std::uint32_t>(program_.operand_total);
    step.output = replaced(output);
    step.output_shape = shape(output);
    step.rows.height = step.output_shape.height;
    return step;
}

void StepWriter::read(Step& step, std::uint32_t original) {
    const std::uint32_t value = replaced(original);
    program_.operands[program_.operand_total++] = value;
    if (step.operand_count++ == 0) step.input_shape = shape(value);
}

void StepWriter::read_caller_input(Step& step) {
    program_.operands[step.first_operand] = 0;
    step.reads_caller_input = true;
}

LayerWeights StepWriter::read_weights(Step& step, std::uint32_t index, ElementType element) {
    const Node& node = graph_.nodes[index];
    const Tensor& weights = graph_.tensors[node.weights];
    LayerWeights layer;
    layer.data = weights.data;
    layer.type = weights.type;
    step.weight_bytes = weights.size;
    step.kernel_weight_bytes = weights.size / element_bytes(weights.type) * element_bytes(element);
    if (weights.packing == Packing::kConvPanels) {
        const std::uint32_t* d = weights.dimensions;
        layer.groups = std::max(node.groups, 1u);
        layer.group_panels = round_up_8(node.output_channels / layer.groups) / 8;
        layer.panel_elements = std::uint64_t{d[0]} * d[1] * d[2] * 8;
    }
    if (node.bias == kNone) return layer;  // the zeros
    const Tensor& bias = graph_.tensors[node.bias];
    if (element == bias.type && !bias_needs_spreading(node)) {
        layer.bias = bias.data;
        return layer;
    }
    layer.bias_constant = program_.constant_floats;
    program_.constants[program_.constant_count++] = {bias.floats(), bias.dimensions[0], std::max(node.groups, 1u),
                                                     element, program_.constant_floats};
    program_.constant_floats += round_up_to_line(bias_floats(node) * element_bytes(element) / sizeof(float));
    return layer;
}

void StepWriter::finish(Step& step, Unit unit) {
    const Shape& out = step.output_shape;
    step.unit = unit;
    switch (unit) {
        case Unit::kRow:
            step.unit_count = out.height;
            break;
        case Unit::kPixel:
            step.unit_count = out.pixels();
            step.granule = 8;
            break;
        case Unit::kPanel:
            step.unit_count = round_up_8(out.channels) / 8;
            break;
        case Unit::kChannel:
            step.unit_count = out.channels;
            step.granule = 8;
            break;
        case Unit::kWhole:
            step.unit_count = 1;
            break;
    }
    const std::uint64_t parts = (step.unit_count + step.granule - 1) / step.granule;
    step.threads = static_cast<std::uint32_t>(std::min<std::uint64_t>(sharing_.worthwhile(step_work(step)), parts));
}

void write_constants(const Program& program, float* constants) {
    std::fill(constants, constants + program.constant_floats, 0.0f);
    std::fill_n(constants + program.zero_floats, Program::kOneCount, 1.0f);
    for (std::size_t i = 0; i < program.constant_count; ++i) {
        const Constant& constant = program.constants[i];
        const std::size_t channels = constant.channels / constant.groups;
        auto* to = reinterpret_cast<std::uint8_t*>(constants + constant.offset);
        for (std::uint32_t g = 0; g < constant.groups; ++g) {
            convert_elements(constant.from + g * channels, ElementType::kF32, to, constant.type, channels,
                             program.features);
            to += round_up_8(channels) * element_bytes(constant.type);
        }
    }
}

}  // namespace fovea
