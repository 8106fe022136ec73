// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv.h"

#include <algorithm>

#include "engine/steps/convert.h"
#include "engine/steps/gradient/taken_back.h"

namespace fovea {
namespace {

struct DepthwiseGradient {
    LayerWeights layer;
    Window window;
};

// The phase's taps, turned by 180 degrees: [kernel_height][taps][channels, whole panels].
void turn_weights(const Run& run, const DepthwiseGradient& own, const Phase& phase, std::uint64_t channels, float* to) {
    const std::size_t element = element_bytes(own.layer.type);
    const auto* const from = static_cast<const std::uint8_t*>(own.layer.data);
    for (int a = own.window.kernel_height - 1; a >= 0; --a) {
        for (int b = phase.taps.count - 1; b >= 0; --b) {
            const auto tap =
                static_cast<std::uint64_t>(a * own.window.kernel_width + phase.taps.first + phase.taps.step * b);
            convert_elements(from + tap * channels * element, own.layer.type, to, ElementType::kF32,
                             static_cast<std::size_t>(channels), run.features());
            to += channels;
        }
    }
}

void run_phase(const Run& run, const Step& step, const Phase& phase, int first_pixel, Range rows, std::uint32_t thread) {
    const auto& own = step.get_own<DepthwiseGradient>();
    const Window& window = own.window;
    const std::uint32_t channels = step.output_shape.channels;
    const int skipped = std::max(-phase.pad_left, 0);
    const int width = static_cast<int>(step.input_shape.width) - skipped;
    const bool reached = phase.taps.count > 0 && width > 0;
    auto* const weights = run.scratch<float>(step, thread);
    if (reached) turn_weights(run, own, phase, round_up_8(channels), weights);
    const std::ptrdiff_t pixel_stride = run.output_stride(step) * window.stride_x;
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        auto* const output = run.output<float>(step, y * step.output_shape.width, thread) + first_pixel * run.output_stride(step);
        if (!reached) {
            for (int i = 0; i < phase.pixels; ++i) std::fill_n(output + i * pixel_stride, channels, 0.0f);
            continue;
        }
        step.call(ops::DepthwiseConvFp32Args{
            .rows = transposed_rows(run, step, window, y, 0, static_cast<std::uint32_t>(skipped), thread),
            .input_stride = run.operand_stride(step, 0),
            .output = output,
            .output_stride = pixel_stride,
            .weights = weights,
            .bias = run.zeros(),
            .input_width = width,
            .output_width = phase.pixels,
            .channels = static_cast<int>(channels),
            .kernel_height = window.kernel_height,
            .kernel_width = phase.taps.count,
            .stride_x = 1,
            .dilation_x = phase.dilation,
            .pad_left = std::max(phase.pad_left, 0),
            .activation = ops::Activation::kNone});
    }
}

void run_depthwise_gradient(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const Window& window = step.get_own<DepthwiseGradient>().window;
    for (int pixel = 0; pixel < window.stride_x; ++pixel) {
        const Phase phase = phase_of(pixel, window.kernel_width, window.stride_x, window.dilation_x, window.pad_left,
                                     static_cast<int>(step.output_shape.width));
        if (phase.pixels > 0) run_phase(run, step, phase, pixel, rows, thread);
    }
}

}  // namespace

void emit_depthwise_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const std::uint32_t operand = writer.operand(index, 0);
    Step& step = writer.begin(index, writer.shape(operand));
    writer.steps().read(step, gradient);
    const Window window = read_transposed_window(writer, step, index);
    step.set_own(DepthwiseGradient{weights_of(writer, step, index), window});
    writer.steps().use_kernel<ops::DepthwiseConvFp32Args>(step, run_depthwise_gradient);
    step.scratch_bytes = step.kernel_weight_bytes;
    writer.steps().finish(step, Unit::kRow);
    writer.contribute(index, operand, step.output);
}

}  // namespace fovea
