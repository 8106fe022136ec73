// SPDX-License-Identifier: Apache-2.0
// Convolutions of a window, that of the caller's pixels among them.
#include "ops/conv2d/conv2d.h"

#include <algorithm>

#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "engine/steps/weights.h"
#include "engine/steps/window.h"
#include "ops/stem_pixels/stem_pixels.h"

namespace fovea {
namespace {

struct Conv2d {
    LayerWeights layer;
    Window window;
    ops::Activation activation;
};

// Its kernel reads bytes; pixels that are floats take the two of which that one is made.
template <typename Element>
struct PixelConv2d {
    Conv2d convolution;
    const float *scale, *offset;  // in the file, or null: then the pixels are taken as they are
    void (*rescale_floats)(const ops::AffineArgs<float, Element>&);
    void (*convolve)(const ops::Conv2dArgs<Element>&);
};

template <typename Element>
ops::Conv2dArgs<Element> arguments(const Run& run, const Step& step, const Conv2d& own, const WeightPart& part,
                                   std::uint64_t y, std::uint32_t thread) {
    const std::uint32_t in_group = step.input_shape.channels / own.layer.groups;
    return {.rows = nullptr,
            .input_stride = run.operand_stride(step, 0),
            .output = run.output<Element>(step, y * step.output_shape.width, thread) + part.channel,
            .output_stride = run.output_stride(step),
            .weights = static_cast<const Element*>(part.weights),
            .bias = own.layer.bias_in<Element>(run) + part.bias,
            .input_width = static_cast<int>(step.input_shape.width),
            .output_width = static_cast<int>(step.output_shape.width),
            .in_channels = static_cast<int>(part.groups * in_group),
            .out_channels = static_cast<int>(part.channels),
            .groups = static_cast<int>(part.groups),
            .kernel_height = own.window.kernel_height,
            .kernel_width = own.window.kernel_width,
            .stride_x = own.window.stride_x,
            .dilation_x = own.window.dilation_x,
            .pad_left = own.window.pad_left,
            .activation = own.activation};
}

template <typename Element>
void run_conv2d(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& own = step.get_own<Conv2d>();
    const std::uint32_t in_group = step.input_shape.channels / own.layer.groups;
    for_each_weight_part(
        run, step, own.layer, kElementType<Element>, nullptr, nullptr, thread, [&](const WeightPart& part) {
            for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
                ops::Conv2dArgs<Element> args = arguments<Element>(run, step, own, part, y, thread);
                args.rows = window_rows<Element>(run, step, own.window, y, part.group * in_group, thread);
                step.call(args);
            }
        });
}

// Rows of a convolution that reads the caller's pixels, as many at once as lie behind one another.
template <typename Element>
void run_pixel_conv2d(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& pixel = step.get_own<PixelConv2d<Element>>();
    const Window& window = pixel.convolution.window;
    const std::uint32_t ring = run.value(step.output).ring_rows;
    const auto over = [&]<typename Pixel>(const Pixel* image, std::uint64_t first, std::uint64_t count,
                                          const ops::Conv2dArgs<Element>& args) {
        return ops::StemPixelsArgs<Pixel, Element>{
            .image = image,
            .input_height = static_cast<int>(step.input_shape.height),
            .first_row = static_cast<int>(static_cast<std::int64_t>(first) * window.stride_y - window.pad_top),
            .stride_y = window.stride_y,
            .dilation_y = window.dilation_y,
            .output_rows = static_cast<int>(count),
            .output_row_stride = args.output_width * args.output_stride,
            .scale = pixel.scale != nullptr ? pixel.scale : run.ones(),
            .offset = pixel.offset != nullptr ? pixel.offset : run.zeros(),
            .convolution = args};
    };
    for_each_weight_part(
        run, step, pixel.convolution.layer, kElementType<Element>, nullptr, nullptr, thread,
        [&](const WeightPart& part) {
            for (std::uint64_t y = rows.begin; y < rows.end;) {
                const std::uint64_t count = ring == 0 ? rows.end - y : std::min(rows.end - y, ring - y % ring);
                const auto args = arguments<Element>(run, step, pixel.convolution, part, y, thread);
                if (run.input.dtype == FOVEA_U8) {
                    step.call(over(static_cast<const std::uint8_t*>(run.input.data), y, count, args));
                } else {
                    ops::stem_pixels_in_parts(over(static_cast<const float*>(run.input.data), y, count, args),
                                         pixel.rescale_floats, pixel.convolve);
                }
                y += count;
            }
        });
}

// Reads the caller's pixels, rescaled on the way or not.
template <typename Element>
void emit_pixels(StepWriter& writer, Step& step, const Conv2d& own, std::uint32_t rescaling) {
    writer.use_kernel<ops::StemPixelsArgs<std::uint8_t, Element>>(step, run_pixel_conv2d<Element>);
    PixelConv2d<Element> pixel = {own, nullptr, nullptr, writer.choose<ops::AffineArgs<float, Element>>(),
                                  writer.choose<ops::Conv2dArgs<Element>>()};
    if (rescaling != kNone) {
        const Node& node = writer.node(rescaling);
        pixel.scale = writer.graph().tensors[node.weights].floats();
        pixel.offset = writer.graph().tensors[node.bias].floats();
    }
    step.set_own(pixel);
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    if (is_pointwise_node(node)) {
        const bool of_vector = writer.shape(index + 1).is_vector() && writer.type(index + 1) == ElementType::kF32;
        return of_vector ? emit_dense(writer, index) : emit_pointwise_conv(writer, index);
    }
    const ops::Activation activation = writer.fused_activation(index);
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    const ElementType type = writer.type(index + 1);
    const Fusion& fusion = writer.fusion(index);
    const Window window = read_window(writer, step, index);
    const Conv2d own = {writer.read_weights(step, index, type), window, activation};
    if (own.layer.type != type) step.scratch_bytes = panel_scratch_bytes(own.layer, type);
    if (fusion.reads_pixels) writer.read_caller_input(step);
    with_element(type, [&]<typename Element>() {
        if (fusion.reads_pixels) return emit_pixels<Element>(writer, step, own, fusion.rescaling);
        writer.use_kernel<ops::Conv2dArgs<Element>>(step, run_conv2d<Element>);
        step.set_own(own);
    });
    step.multiply_adds = multiply_adds(writer.graph(), node, step.output_shape);
    step.strides = true;
    writer.finish(step, Unit::kRow);
    return activation;
}

// Of a vector of floats it is a dense layer, if it is one of a vector.
bool result_type(const TypeQuestion& question, ElementType* type) {
    return type_of_map(question, type) || is_pointwise_node(question.node);
}

}  // namespace

constinit const Operation convolution_operation = {result_type, emit};

}  // namespace fovea
