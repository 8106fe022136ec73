// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d.h"

#include <algorithm>

#include "engine/steps/gradient/taken_back.h"

namespace fovea {
namespace {

struct ConvGradient {
    LayerWeights layer;
    Window window;
};

// Some input channels of one group, and the pixels of a phase.
struct Part {
    std::uint32_t group;
    std::uint64_t first_panel, last_panel;
    int first_pixel;
    Phase phase;
};

struct Geometry {
    explicit Geometry(const Step& step)
        : own(step.get_own<ConvGradient>()),
          in_group(step.output_shape.channels / own.layer.groups),
          out_group(step.input_shape.channels / own.layer.groups),
          panels(round_up_8(in_group) / 8),
          largest_panel(std::uint64_t{out_group} * 8 * static_cast<std::uint64_t>(own.window.kernel_height) *
                        static_cast<std::uint64_t>(own.window.kernel_width)),
          at_once(transposed_panels_at_once(largest_panel * sizeof(float), panels)) {}

    const ConvGradient& own;
    std::uint32_t in_group, out_group;
    std::uint64_t panels, largest_panel, at_once;
};

void clear_pixels(const Run& run, const Step& step, const Part& part, std::uint32_t channel, int channels, std::uint64_t y,
                  std::uint32_t thread) {
    auto* output = run.output<float>(step, y * step.output_shape.width, thread) + channel;
    const int stride = step.get_own<ConvGradient>().window.stride_x;
    for (int i = 0; i < part.phase.pixels; ++i) {
        std::fill_n(output + (part.first_pixel + std::ptrdiff_t{i} * stride) * run.output_stride(step), channels, 0.0f);
    }
}

void run_part(const Run& run, const Step& step, const Geometry& geometry, const Part& part, Range rows, std::uint32_t thread) {
    const Window& window = geometry.own.window;
    const Phase& phase = part.phase;
    auto* const scratch = run.scratch<float>(step, thread);
    const std::uint64_t panel = std::uint64_t{geometry.out_group} * 8 * static_cast<std::uint64_t>(window.kernel_height) *
                                static_cast<std::uint64_t>(phase.taps.count);
    const auto channels = static_cast<int>(std::min<std::uint64_t>(part.last_panel * 8, geometry.in_group) - part.first_panel * 8);
    const auto channel = static_cast<std::uint32_t>(part.group * geometry.in_group + part.first_panel * 8);
    // What lies left of the first window needs no kernel that knows of it.
    const int skipped = std::max(-phase.pad_left, 0);
    const int width = static_cast<int>(step.input_shape.width) - skipped;
    if (phase.taps.count == 0 || width <= 0) {
        for (std::uint64_t y = rows.begin; y < rows.end; ++y) clear_pixels(run, step, part, channel, channels, y, thread);
        return;
    }
    for (std::uint64_t p = part.first_panel; p < part.last_panel; ++p) {
        make_transposed_panel(geometry.own.layer, part.group,
                              {nullptr, scratch + (p - part.first_panel) * panel, window.kernel_height, window.kernel_width,
                               static_cast<int>(geometry.in_group), static_cast<int>(geometry.out_group), static_cast<int>(p * 8),
                               {0, 1, window.kernel_height}, phase.taps});
    }
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        auto* const row = run.output<float>(step, y * step.output_shape.width, thread);
        step.call(ops::Conv2dFp32Args{
            .rows = transposed_rows(run, step, window, y, part.group * geometry.out_group, static_cast<std::uint32_t>(skipped), thread),
            .input_stride = run.operand_stride(step, 0),
            .output = row + part.first_pixel * run.output_stride(step) + channel,
            .output_stride = run.output_stride(step) * window.stride_x,
            .weights = scratch,
            .bias = run.zeros(),
            .input_width = width,
            .output_width = phase.pixels,
            .in_channels = static_cast<int>(geometry.out_group),
            .out_channels = channels,
            .groups = 1,
            .kernel_height = window.kernel_height,
            .kernel_width = phase.taps.count,
            .stride_x = 1,
            .dilation_x = phase.dilation,
            .pad_left = std::max(phase.pad_left, 0),
            .activation = ops::Activation::kNone});
    }
}

void run_conv_gradient(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const Geometry geometry(step);
    const Window& window = geometry.own.window;
    for (std::uint32_t group = 0; group < geometry.own.layer.groups; ++group) {
        for (std::uint64_t first = 0; first < geometry.panels; first += geometry.at_once) {
            for (int pixel = 0; pixel < window.stride_x; ++pixel) {
                const Phase phase = phase_of(pixel, window.kernel_width, window.stride_x, window.dilation_x, window.pad_left,
                                             static_cast<int>(step.output_shape.width));
                if (phase.pixels == 0) continue;
                run_part(run, step, geometry, {group, first, std::min(first + geometry.at_once, geometry.panels), pixel, phase},
                         rows, thread);
            }
        }
    }
}

}  // namespace

void emit_convolution_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    if (is_pointwise_node(writer.node(index))) {
        const bool of_vector = writer.shape(gradient).is_vector();
        return of_vector ? emit_dense_gradient(writer, index, gradient) : emit_pointwise_gradient(writer, index, gradient);
    }
    const std::uint32_t operand = writer.operand(index, 0);
    Step& step = writer.begin(index, writer.shape(operand));
    writer.steps().read(step, gradient);
    const Window window = read_transposed_window(writer, step, index);
    const LayerWeights layer = weights_of(writer, step, index);
    step.set_own(ConvGradient{layer, window});
    writer.steps().use_kernel<ops::Conv2dFp32Args>(step, run_conv_gradient);
    const Geometry geometry(step);
    step.scratch_bytes = geometry.at_once * geometry.largest_panel * sizeof(float);
    step.streams = may_make_weights_anew(layer, step.input_shape, step.output_shape);
    writer.steps().finish(step, Unit::kRow);
    writer.contribute(index, operand, step.output);
}

}  // namespace fovea
