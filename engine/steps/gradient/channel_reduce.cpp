// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"
#include "ops/channel_reduce_gradient/channel_reduce_gradient.h"

namespace fovea {
namespace {

void run_channel_reduce_gradient(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const bool reads_input = step.operand_count > 1;
    ops::channel_reduce_gradient_fp32({.gradient = run.operand<float>(step, 0, pixels.begin, thread),
                                       .gradient_stride = run.operand_stride(step, 0),
                                       .input = reads_input ? run.operand<float>(step, 1, pixels.begin, thread) : nullptr,
                                       .input_stride = reads_input ? run.operand_stride(step, 1) : 0,
                                       .output = run.output<float>(step, pixels.begin, thread),
                                       .output_stride = run.output_stride(step),
                                       .pixels = static_cast<std::size_t>(pixels.count()),
                                       .channels = static_cast<int>(step.output_shape.channels),
                                       .kind = reads_input ? ops::PoolKind::kMax : ops::PoolKind::kAverage});
}

}  // namespace

void emit_channel_reduce_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const std::uint32_t map = writer.operand(index, 0);
    const bool maximum = writer.node(index).variant == 1;
    const std::uint32_t input = maximum ? writer.floats_of(index, map) : kNone;
    Step& step = writer.begin(index, writer.shape(map));
    writer.steps().read(step, gradient);
    if (maximum) writer.steps().read(step, input);
    writer.steps().use(step, "channel_reduce_gradient_fp32", run_channel_reduce_gradient);
    writer.steps().finish(step, Unit::kPixel);
    writer.contribute(index, map, step.output);
}

}  // namespace fovea
