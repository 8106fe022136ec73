// SPDX-License-Identifier: Apache-2.0
// The steps of nodes that make codes, and of those that make floats of codes. The constants are the file's, as the kernels take
// them; nothing is fused that the file does not say, so that no tap and no plan changes a bit.
#include "ops/codes.h"

#include "engine/steps/convert.h"
#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "engine/steps/window.h"
#include "ops/codes/code_maps.h"
#include "ops/conv2d/conv2d_codes.h"
#include "ops/dense/dense_fp32_w8.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"
#include "ops/pool/global_pool_codes.h"

namespace fovea {
namespace {

struct CodeConvolution {
    const std::int8_t* weights;
    const std::int32_t* bias;
    ops::Requantisation requantisation;
    Window window;
};

struct CodeConstants {
    const float *multiplier, *second_multiplier, *offset;
};

ops::CodeType code_type(ElementType type) {
    return type == ElementType::kU8 ? ops::CodeType::kU8 : ops::CodeType::kS16;
}

ops::CodeMap operand_codes(const Run& run, const Step& step, std::uint32_t i, std::uint64_t pixel, std::uint32_t thread) {
    return {run.operand<std::uint8_t>(step, i, pixel, thread), code_type(run.operand_value(step, i).type),
            run.operand_stride(step, i)};
}

ops::CodeOutput output_codes(const Run& run, const Step& step, std::uint64_t pixel, std::uint32_t thread) {
    return {run.output<std::uint8_t>(step, pixel, thread), code_type(run.value(step.output).type), run.output_stride(step)};
}

const std::int32_t* output_zero(const Run& run, const Step& step) {
    return run.value(step.output).zero;
}

template <typename Code>
void run_pointwise(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<CodeConvolution>();
    step.call(ops::PointwiseConvCodesArgs<Code>{.input = run.operand<Code>(step, 0, pixels.begin, thread),
                                                .input_stride = run.operand_stride(step, 0),
                                                .output = output_codes(run, step, pixels.begin, thread),
                                                .weights = own.weights,
                                                .bias = own.bias,
                                                .requantisation = own.requantisation,
                                                .pixels = static_cast<std::size_t>(pixels.count()),
                                                .in_channels = static_cast<int>(step.input_shape.channels),
                                                .out_channels = static_cast<int>(step.output_shape.channels)});
}

// A row of a convolution with a window: general, or of each channel by itself.
template <template <typename> typename Args, typename Code>
void run_windows(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& own = step.get_own<CodeConvolution>();
    Args<Code> args{};
    args.input_stride = run.operand_stride(step, 0);
    args.weights = own.weights;
    args.bias = own.bias;
    args.input_zero = run.operand_value(step, 0).zero;
    args.requantisation = own.requantisation;
    args.input_width = static_cast<int>(step.input_shape.width);
    args.output_width = static_cast<int>(step.output_shape.width);
    if constexpr (requires { args.channels; }) {
        args.channels = static_cast<int>(step.output_shape.channels);
    } else {
        args.in_channels = static_cast<int>(step.input_shape.channels);
        args.out_channels = static_cast<int>(step.output_shape.channels);
    }
    args.kernel_height = own.window.kernel_height;
    args.kernel_width = own.window.kernel_width;
    args.stride_x = own.window.stride_x;
    args.dilation_x = own.window.dilation_x;
    args.pad_left = own.window.pad_left;
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        args.rows = window_rows<Code>(run, step, own.window, y, 0, thread);
        args.output = output_codes(run, step, y * step.output_shape.width, thread);
        step.call(args);
    }
}

struct DenseOfBytes {
    const std::int8_t* weights;
    const float *scale, *bias;  // bias null: zeros
};

void run_dense(const Run& run, const Step& step, Range panels, std::uint32_t) {
    const auto& own = step.get_own<DenseOfBytes>();
    step.call(ops::DenseFp32W8Args{.input = run.operand<float>(step, 0),
                               .output = run.output<float>(step),
                               .weights = own.weights,
                               .scale = own.scale,
                               .bias = own.bias != nullptr ? own.bias : run.zeros(),
                               .in_features = static_cast<int>(step.input_shape.channels),
                               .out_features = static_cast<int>(step.output_shape.channels),
                               .panel_begin = static_cast<int>(panels.begin),
                               .panel_end = static_cast<int>(panels.end)});
}

void run_add(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<CodeConstants>();
    step.call(ops::AddCodesArgs{.left = operand_codes(run, step, 0, pixels.begin, thread),
                                .right = operand_codes(run, step, 1, pixels.begin, thread),
                                .output = output_codes(run, step, pixels.begin, thread),
                                .left_multiplier = own.multiplier,
                                .right_multiplier = own.second_multiplier,
                                .offset = own.offset,
                                .zero = output_zero(run, step),
                                .pixels = static_cast<std::size_t>(pixels.count()),
                                .channels = static_cast<int>(step.output_shape.channels)});
}

void run_gate(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    step.call(ops::GateCodesArgs{.input = operand_codes(run, step, 0, pixels.begin, thread),
                                 .output = output_codes(run, step, pixels.begin, thread),
                                 .gate = run.operand<float>(step, 1, 0, thread),
                                 .input_zero = run.operand_value(step, 0).zero,
                                 .multiplier = step.get_own<CodeConstants>().multiplier,
                                 .zero = output_zero(run, step),
                                 .pixels = static_cast<std::size_t>(pixels.count()),
                                 .channels = static_cast<int>(step.output_shape.channels)});
}

template <typename Input>
ops::QuantiseArgs<Input> quantise_arguments(const Run& run, const Step& step, const Input* input, Range pixels,
                                            std::uint32_t thread) {
    const auto& own = step.get_own<CodeConstants>();
    return {.input = input,
            .output = output_codes(run, step, pixels.begin, thread),
            .multiplier = own.multiplier,
            .offset = own.offset,
            .zero = output_zero(run, step),
            .pixels = static_cast<std::size_t>(pixels.count()),
            .channels = static_cast<int>(step.output_shape.channels)};
}

void run_quantise(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    step.call(quantise_arguments(run, step, run.operand<float>(step, 0, pixels.begin, thread), pixels, thread));
}

// The caller's pixels, of bytes by the step's own kernel.
void run_quantise_pixels(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const std::uint64_t first = pixels.begin * step.output_shape.channels;
    if (run.input.dtype == FOVEA_U8) {
        step.call(quantise_arguments(run, step, static_cast<const std::uint8_t*>(run.input.data) + first, pixels, thread));
    } else {
        const auto quantise_floats = ops::kQuantiseFp32.select(run.features()).function;
        quantise_floats(quantise_arguments(run, step, static_cast<const float*>(run.input.data) + first, pixels, thread));
    }
}

void run_dequantise(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const Value& codes = run.operand_value(step, 0);
    step.call(ops::DequantiseArgs{.input = operand_codes(run, step, 0, pixels.begin, thread),
                                  .output = run.output<float>(step, pixels.begin, thread),
                                  .output_stride = run.output_stride(step),
                                  .scale = codes.scale,
                                  .zero = codes.zero,
                                  .pixels = static_cast<std::size_t>(pixels.count()),
                                  .channels = static_cast<int>(step.output_shape.channels)});
}

ops::GlobalPoolCodesArgs pool_arguments(const Run& run, const Step& step, std::uint64_t pixel, std::uint32_t thread) {
    const Value& codes = run.operand_value(step, 0);
    return {.input = operand_codes(run, step, 0, pixel, thread),
            .output = nullptr,
            .scale = codes.scale,
            .zero = codes.zero,
            .pixels = step.input_shape.pixels(),
            .channel_begin = 0,
            .channel_end = static_cast<int>(step.input_shape.channels),
            .kind = step.get_own<ops::PoolKind>()};
}

void run_global_pool(const Run& run, const Step& step, Range channels, std::uint32_t thread) {
    ops::GlobalPoolCodesArgs args = pool_arguments(run, step, 0, thread);
    args.output = run.output<float>(step);
    args.channel_begin = static_cast<int>(channels.begin);
    args.channel_end = static_cast<int>(channels.end);
    step.call(args);
}

void run_row_pool(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        ops::GlobalPoolCodesArgs args = pool_arguments(run, step, y * step.input_shape.width, thread);
        args.output = run.output<float>(step, y, thread);
        args.pixels = step.input_shape.width;
        step.call(args);
    }
}

const float* floats_of(const Graph& graph, std::uint32_t tensor) {
    return tensor == kNone ? nullptr : graph.tensors[tensor].floats();
}

CodeConstants constants_of(const Graph& graph, const Quantisation& codes) {
    return {floats_of(graph, codes.multiplier), floats_of(graph, codes.second_multiplier), floats_of(graph, codes.offset)};
}

template <template <typename> typename Args, typename Code>
void use_kernel(StepWriter& writer, Step& step, StepFunction run) {
    writer.use_exact(step, ops::TableOf<Args<Code>>::kTable, run);
}

template <template <typename> typename Args, typename Code>
void use_windows(StepWriter& writer, Step& step) {
    use_kernel<Args, Code>(writer, step, run_windows<Args, Code>);
}

void emit_convolution(StepWriter& writer, std::uint32_t index) {
    const Graph& graph = writer.graph();
    const Node& node = writer.node(index);
    Step& step = writer.begin(index, index + 1);
    writer.read(step, writer.operand(index, 0));
    const Quantisation codes = graph.quantisation_of(index + 1);
    const CodeConstants constants = constants_of(graph, codes);
    const Tensor& weights = graph.tensors[node.weights];
    CodeConvolution own = {weights.bytes(),
                           graph.tensors[node.bias].integers(),
                           {constants.multiplier, constants.second_multiplier, graph.tensors[codes.zero].integers(),
                            node.activation},
                           {}};
    step.weight_bytes = step.kernel_weight_bytes = weights.size;
    const bool bytes = writer.type(writer.operand(index, 0)) == ElementType::kU8;
    Unit unit = Unit::kRow;
    if (is_pointwise_node(node)) {
        unit = Unit::kPixel;
        if (bytes) {
            use_kernel<ops::PointwiseConvCodesArgs, std::uint8_t>(writer, step, run_pointwise<std::uint8_t>);
        } else {
            use_kernel<ops::PointwiseConvCodesArgs, std::int16_t>(writer, step, run_pointwise<std::int16_t>);
        }
    } else {
        own.window = read_window(writer, step, index);
        const bool depthwise = node.kind == NodeKind::kDepthwise;
        if (depthwise && bytes) {
            use_windows<ops::DepthwiseConvCodesArgs, std::uint8_t>(writer, step);
        } else if (depthwise) {
            use_windows<ops::DepthwiseConvCodesArgs, std::int16_t>(writer, step);
        } else if (bytes) {
            use_windows<ops::Conv2dCodesArgs, std::uint8_t>(writer, step);
        } else {
            use_windows<ops::Conv2dCodesArgs, std::int16_t>(writer, step);
        }
    }
    step.set_own(own);
    step.multiply_adds = multiply_adds(graph, node, step.output_shape);
    writer.finish(step, unit);
}

void emit_dense_of_bytes(StepWriter& writer, std::uint32_t index) {
    const Graph& graph = writer.graph();
    const Node& node = writer.node(index);
    Step& step = writer.begin(index, index + 1);
    writer.read(step, writer.operand(index, 0));
    const Tensor& weights = graph.tensors[node.weights];
    step.weight_bytes = step.kernel_weight_bytes = weights.size;
    writer.use_exact(step, ops::kDenseFp32W8, run_dense);
    step.set_own(DenseOfBytes{weights.bytes(), floats_of(graph, graph.quantisation_of(index + 1).multiplier),
                              floats_of(graph, node.bias)});
    step.streams = false;
    step.multiply_adds = multiply_adds(graph, node, step.output_shape);
    writer.finish(step, Unit::kPanel);
}

void emit_add(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, index + 1);
    for (std::uint32_t i = 0; i < 2; ++i) {
        writer.read(step, writer.operand(index, i));
        if (writer.type(writer.operand(index, i)) == writer.type(index + 1)) step.may_overwrite |= 1u << i;
    }
    writer.use_exact(step, ops::kAddCodes, run_add);
    step.set_own(constants_of(writer.graph(), writer.graph().quantisation_of(index + 1)));
    writer.finish(step, Unit::kPixel);
}

void emit_gate(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, index + 1);
    writer.read(step, writer.operand(index, 0));
    writer.read(step, writer.operand(index, 1));
    step.reads_whole = 1u << 1;
    writer.use_exact(step, ops::kGateCodes, run_gate);
    step.set_own(constants_of(writer.graph(), writer.graph().quantisation_of(index + 1)));
    writer.finish(step, Unit::kPixel);
}

void emit_quantise(StepWriter& writer, std::uint32_t index) {
    const std::uint32_t input = writer.operand(index, 0);
    Step& step = writer.begin(index, index + 1);
    writer.read(step, input);
    if (input == 0) {
        writer.read_caller_input(step);
        writer.use_exact(step, ops::kQuantisePixels, run_quantise_pixels);
    } else {
        writer.use_exact(step, ops::kQuantiseFp32, run_quantise);
    }
    step.set_own(constants_of(writer.graph(), writer.graph().quantisation_of(index + 1)));
    writer.finish(step, Unit::kPixel);
}

void emit_dequantise(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, index + 1);
    writer.read(step, writer.operand(index, 0));
    writer.use_exact(step, ops::kDequantise, run_dequantise);
    writer.finish(step, Unit::kPixel);
}

}  // namespace

bool makes_or_takes_codes(const StepWriter& writer, std::uint32_t index) {
    const bool converts = writer.node(index).kind == NodeKind::kActivation && is_code(writer.type(writer.operand(index, 0)));
    const bool has_whole_weights = writer.graph().quantisation_of(index + 1).multiplier != kNone;
    return is_code(writer.type(index + 1)) || converts || has_whole_weights;
}

// The reader has checked that each has a form in codes.
ops::Activation emit_codes(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    if (node.weights != kNone && !is_code(writer.type(index + 1))) {
        emit_dense_of_bytes(writer, index);
        return ops::Activation::kNone;
    }
    switch (node.kind) {
        case NodeKind::kAdd:
            emit_add(writer, index);
            break;
        case NodeKind::kMultiply:
            emit_gate(writer, index);
            break;
        case NodeKind::kAffine:
            emit_quantise(writer, index);
            break;
        case NodeKind::kActivation:
            if (is_code(writer.type(index + 1))) {
                emit_quantise(writer, index);
            } else {
                emit_dequantise(writer, index);
            }
            break;
        default:
            emit_convolution(writer, index);
            break;
    }
    return node.activation;
}

void use_code_pool(StepWriter& writer, Step& step, ops::PoolKind kind, bool by_rows) {
    writer.use_exact(step, ops::kGlobalPoolCodes, by_rows ? run_row_pool : run_global_pool);
    step.set_own(kind);
}

void codes_to_floats(const Run& run, std::uint32_t value, float* to) {
    const Value& codes = run.value(value);
    const auto stride = static_cast<std::ptrdiff_t>(codes.pixel_stride);
    ops::kDequantise.select(run.features()).function({.input = {run.address(value, 0, 0), code_type(codes.type), stride},
                                                      .output = to,
                                                      .output_stride = static_cast<std::ptrdiff_t>(codes.shape.channels),
                                                      .scale = codes.scale,
                                                      .zero = codes.zero,
                                                      .pixels = codes.shape.pixels(),
                                                      .channels = static_cast<int>(codes.shape.channels)});
}

}  // namespace fovea
