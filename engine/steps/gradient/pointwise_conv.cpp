// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv.h"

#include <algorithm>

#include "engine/steps/gradient/taken_back.h"

namespace fovea {
namespace {

void run_pointwise_gradient(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& layer = step.get_own<LayerWeights>();
    auto* const scratch = run.scratch<float>(step, thread);
    const auto out_channels = static_cast<int>(step.input_shape.channels);
    const std::uint32_t in_channels = step.output_shape.channels;
    const std::uint64_t panel = std::uint64_t{step.input_shape.channels} * 8;
    const std::uint64_t panels = round_up_8(in_channels) / 8;
    const std::uint64_t at_once = transposed_panels_at_once(panel * sizeof(float), panels);
    for (std::uint64_t first = 0; first < panels; first += at_once) {
        const std::uint64_t last = std::min(first + at_once, panels);
        for (std::uint64_t p = first; p < last; ++p) {
            make_transposed_panel(layer, 0, {nullptr, scratch + (p - first) * panel, 1, 1, static_cast<int>(in_channels),
                                             out_channels, static_cast<int>(p * 8), {0, 1, 1}, {0, 1, 1}});
        }
        step.call(ops::PointwiseConvFp32Args{
            .input = run.operand<float>(step, 0, pixels.begin, thread),
            .input_stride = run.operand_stride(step, 0),
            .output = run.output<float>(step, pixels.begin, thread) + first * 8,
            .output_stride = run.output_stride(step),
            .residual = nullptr,
            .residual_stride = 0,
            .weights = scratch,
            .bias = run.zeros(),
            .pixels = static_cast<std::size_t>(pixels.count()),
            .in_channels = out_channels,
            .out_channels = static_cast<int>(std::min<std::uint64_t>(last * 8, in_channels) - first * 8),
            .activation = ops::Activation::kNone});
    }
}

}  // namespace

void emit_pointwise_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const std::uint32_t operand = writer.operand(index, 0);
    Step& step = writer.begin(index, writer.shape(operand));
    writer.steps().read(step, gradient);
    const LayerWeights layer = weights_of(writer, step, index);
    step.set_own(layer);
    writer.steps().use_kernel<ops::PointwiseConvFp32Args>(step, run_pointwise_gradient);
    const std::uint64_t panel_bytes = std::uint64_t{step.input_shape.channels} * 8 * sizeof(float);
    const std::uint64_t panels = round_up_8(step.output_shape.channels) / 8;
    step.kernel_weight_bytes *= 2;  // reading them across takes about as long again
    step.scratch_bytes = transposed_panels_at_once(panel_bytes, panels) * panel_bytes;
    step.tile_pixels[0] = 4;
    step.tile_pixels[1] = 6;
    step.streams = may_make_weights_anew(layer, step.input_shape, step.output_shape);
    writer.steps().finish(step, Unit::kPixel);
    writer.contribute(index, operand, step.output);
}

}  // namespace fovea
